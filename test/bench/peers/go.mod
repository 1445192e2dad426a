module tenon/test/bench/peers

go 1.26.0

replace tenon => ../../..

require (
	github.com/gofhir/fhirpath v1.4.0
	tenon v0.0.0
)

require (
	github.com/antlr4-go/antlr/v4 v4.13.1 // indirect
	github.com/buger/jsonparser v1.1.1 // indirect
	github.com/shopspring/decimal v1.4.0 // indirect
	golang.org/x/exp v0.0.0-20240525044651-4c93da0ed11d // indirect
)
