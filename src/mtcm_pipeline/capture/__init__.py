"""The domain: cameras, frames and points of one capture, without files or Kedro."""
