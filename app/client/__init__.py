"""What `cesar transcribe` is made of: recordings in, one service that transcribes them (a server or this process), transcripts out."""
