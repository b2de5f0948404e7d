"""What acting and judging share: rules, histories, verdicts, limits, errors. Imports nothing else of Seatrial."""
