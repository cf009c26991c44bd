"""Profile and rules become a timeline of commands; pure, printable, testable on paper."""
