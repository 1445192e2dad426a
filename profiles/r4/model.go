package r4

import (
	"bytes"
	_ "embed" // the definitions
	"sync"

	"tenon/fhir/schema"
)

//go:generate go run ./generate -out .

//go:embed definitions.json.gz
var definitions []byte

// Model is the base model of R4, the same one on every call.
func Model() *schema.Model { return model() }

var model = sync.OnceValue(func() *schema.Model {
	m, err := schema.Decode(bytes.NewReader(definitions))
	if err != nil {
		panic("r4: the embedded definitions are broken: " + err.Error())
	}
	return m
})
