module sallyport/bench/clients

go 1.19

require sallyport.dev/go v0.0.0

replace sallyport.dev/go => ../../../../sdk/go
