"""What is asked of Java: sources, compiled here, and the jars that they need."""
