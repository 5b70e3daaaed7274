"""The loop's typed, ordered slots, one file each (house rule 2)."""
