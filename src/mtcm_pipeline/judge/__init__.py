"""All evidence about frames and pairs, fused over the graph of frames."""
