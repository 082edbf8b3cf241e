"""What passes between the rooms: Arrow schemas, frozen records, the taxonomy. Imports no other room."""
