"""Sources, wire formats, the lake and its catalog: the room that touches network and disk."""
