package access

// Predicate is a tree that says which resources a caller reaches. The search
// room puts it on every alias of a query, and only the store turns it into SQL.
// A nil Predicate is refused by the store: missing context reads nothing.
type Predicate interface{ predicate() }

type (
	// Everything is met by every resource; only Operator and Server hold it.
	Everything struct{}
	// Nothing is met by none.
	Nothing struct{}
	// AnyOf is met when one of its parts is; empty means Nothing.
	AnyOf []Predicate
	// AllOf is met when each of its parts is; empty means Everything.
	AllOf []Predicate
	// TypeIn is met by resources of these types.
	TypeIn []string
	// OwnedBy is met by resources that a principal of this organisation created.
	// With Loose it is met by those that are in no case, and by Devices and
	// Substances about nobody: the machines and stock that cases share.
	OwnedBy struct {
		Organization string
		Loose        bool
	}
	// InCase is met by members of a case that case_access opens to one of the
	// principals, up to the level (case_access.ceiling) that it gives there. With
	// Part, what lies above is met too where it can be shown in part to this level
	// (see InPart), if that is not below Part.
	InCase struct {
		Principals []string
		Part       Level
	}
	// AnyCase is met by members of every case, up to a level; Part as in InCase.
	AnyCase struct {
		Ceiling Level
		Part    Level
	}
	// Is is met by one resource.
	Is struct{ Type, ID string }
	// About is met by a patient and what is about this patient, and by what is
	// about nobody and in a case of this patient.
	About struct{ Patient string }
	// Matching is met by current resources of the type that meet a condition,
	// which search has compiled. An old version meets none: its values are no
	// longer in the index.
	Matching struct {
		Type      string
		Condition any
	}
)

func (Everything) predicate() {}
func (Nothing) predicate()    {}
func (AnyOf) predicate()      {}
func (AllOf) predicate()      {}
func (TypeIn) predicate()     {}
func (OwnedBy) predicate()    {}
func (InCase) predicate()     {}
func (AnyCase) predicate()    {}
func (Is) predicate()         {}
func (About) predicate()      {}
func (Matching) predicate()   {}
