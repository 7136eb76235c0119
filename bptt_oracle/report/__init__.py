"""What was found, for readers: the same data as JSON, as Markdown and on the terminal."""
