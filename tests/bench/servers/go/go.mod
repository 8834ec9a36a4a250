module sallyport/bench

go 1.19
