module sallyport.dev/go

go 1.19
