"""Reports, hashes and signatures: the only place that draws."""
