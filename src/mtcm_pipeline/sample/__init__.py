"""The generated sample capture: a painted bust, photographed by a shaky virtual hand."""
