"""The NatsCluster and NatsServiceRole resources as data: fields, defaults, schema, checks."""
