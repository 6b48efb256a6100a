"""MTCM: the multi-modal temporal consistency module, a masked transformer over frames."""
