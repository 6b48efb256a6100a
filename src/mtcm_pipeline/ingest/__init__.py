"""From file contents to a frame table, embeddings and a data-quality table."""
