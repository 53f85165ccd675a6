"""What is seen and heard of a scored model: a page to listen on, pictures, a model card."""
