module sallyport.dev/go/nettest

go 1.19

require (
	golang.org/x/net v0.17.0
	sallyport.dev/go v0.0.0
)

replace sallyport.dev/go => ../
