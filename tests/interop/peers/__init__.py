"""Both ends of an interoperability test: Sallyport's example programs, and outside TLS peers."""
