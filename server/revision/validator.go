package revision

import (
	"tenon/fhir/definition"
	"tenon/fhir/schema"
	"tenon/fhir/snapshot"
	"tenon/fhir/terminology"
	"tenon/fhir/validate"
)

// newValidator makes an empty set of plans over the definitions; a plan is
// compiled when it is first needed. Without a library shapes alone are judged.
func newValidator(m *schema.Model, lib *definition.Library, t *terminology.Server) *validate.Set {
	if lib == nil {
		return validate.New(m)
	}
	return validate.New(m, validate.WithLibrary(lib), validate.WithTerminology(t))
}

// compileProfile tells why a profile cannot be used: it has no snapshot, and
// none can be made of its differential.
func compileProfile(r *Revision, d *definition.Resource) error {
	if d.Derivation != "constraint" {
		return nil
	}
	n, err := d.Node()
	if err != nil || n.Path("snapshot", "element").Exists() {
		return err
	}
	_, err = snapshot.Generate(n, r.Library)
	return err
}
