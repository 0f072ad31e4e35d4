"""From messages and domain results to the rows of the stores: pure, one module a subject."""
