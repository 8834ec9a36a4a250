module sallyport/interop

go 1.19
