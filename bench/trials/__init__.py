"""Many runs at once, to see whether verdicts are right: faulty devices must fail, compliant ones must not."""
