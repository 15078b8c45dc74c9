"""From measurements to verdicts: rules, guards, intervals; the claims themselves lie above."""
