"""Fine-tuning with the radiance field in the loop: view weights and camera poses."""
