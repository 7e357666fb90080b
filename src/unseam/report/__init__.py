"""What a person looks at: the report of a training or an evaluation, and the pictures in it."""
