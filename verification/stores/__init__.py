"""Reading what stores hold, by their own clients and nothing else: whole tables, no cleverness."""
