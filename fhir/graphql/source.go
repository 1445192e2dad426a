package graphql

import (
	"context"

	"tenon/fhir/tree"
)

// Source is where resources are read. Whoever implements it judges what the
// caller may see; what may not be seen is absent. Errors that a client may see
// are *issue.Failure; one of type not-found or deleted says that nothing is
// there. A node that it gives stays as it is until the request has ended.
type Source interface {
	// Read returns the resource that a literal reference leads to: Patient/1,
	// Patient/1/_history/2, or the same behind the server's own address.
	Read(ctx context.Context, reference string) (tree.Node, error)
	// Search returns a page of a type. Params are those of a search by REST, in
	// the names of Parameters, with _count and _cursor; _total is asked for where
	// total is true. https://hl7.org/fhir/R4/search.html
	Search(ctx context.Context, typ string, params []Param, total bool) (*Page, error)
	// Parameters lists the search parameters of a type.
	Parameters(typ string) []Parameter
}

// Writer is where resources are changed. https://hl7.org/fhir/R4/graphql.html#mutations
type Writer interface {
	// Create, Update and Delete are the interactions of REST. The node is the
	// stored resource, the location its address with the version.
	Create(ctx context.Context, typ string, resource []byte) (node tree.Node, location string, err error)
	Update(ctx context.Context, typ, id string, resource []byte) (node tree.Node, location string, err error)
	Delete(ctx context.Context, typ, id string) error
}

// Param is a search parameter with its value in the syntax of a search.
type Param struct{ Name, Value string }

// Parameter is a search parameter that a type has.
type Parameter struct {
	Name string
	Type string // number, date, string, token, reference, composite, quantity, uri, special
}

// Page is a page of matches.
type Page struct {
	Hits   []Hit
	Size   int    // of a page
	Total  *int64 // nil when not asked for
	Offset *int64 // nil where it is not known
	// First, Previous, Next and Last are cursors of other pages; "" for none.
	First, Previous, Next, Last string
}

// Hit is a resource found. Mode is match or include.
type Hit struct {
	Resource tree.Node
	Mode     string
}
