"""From the types to CustomResourceDefinitions and to the reference."""
