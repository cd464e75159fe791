"""From the Spacefile to a running Hugging Face Space: checked, rendered, planned, deployed, compared."""
