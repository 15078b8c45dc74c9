"""What is shown: metrics, W&B, charts, reports."""
