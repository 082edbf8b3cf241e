"""The records of fetched Kafka batches as compiled loops; `records` is their door to Python."""
