"""All evidence of a capture, over the graph of its frames: which are faulty, and why."""
