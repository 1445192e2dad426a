package fhirpath

import (
	"time"

	"tenon/fhir/schema"
	"tenon/fhir/tree"
)

// Env is what an expression is compiled against. The zero Env knows no types:
// elements are then found by their JSON names only.
type Env struct {
	// Model gives the types of steps, choices and is/as/ofType. With it, the
	// name of a type that does not exist is an error of Compile.
	Model *schema.Model
	// Root is the type of the focus if it is known ("Patient").
	Root string
	// Functions are the host's, by name. They may replace built-in ones.
	Functions map[string]Function
	// Vars are the static types of the host's %variables, by name ("Patient",
	// "System.String", "" for any). A nil map lets any name compile; with a
	// map, a variable that is neither in it nor built in is an error.
	Vars map[string]string
	// Strict makes an element that its type does not have, and a dependence on
	// the order of unordered collections, an error of Compile.
	Strict bool
	// FilterAs lets as() and as filter several items like ofType(), which R4's
	// own invariants and search parameters ask for (dom-3). Without it as() on
	// several items is an error, as N1 says; the operator always filters.
	FilterAs bool
}

// Function is a function of the host.
type Function struct {
	Name string
	// Params are the static types of the parameters: "boolean", "string",
	// "integer", "decimal", "date", "dateTime", "time", "quantity" take one
	// item or none; "expr" takes any collection. A trailing ? makes the
	// parameter, and all that follow, optional.
	Params []string
	// Result is the type of the result in the same words, "" if unknown.
	Result string
	// Call gets the input and one collection per argument. An error that is no
	// *issue.Failure is wrapped with the place of the call. It must not keep
	// focus or args.
	Call func(ctx *Context, focus Collection, args []Collection) (Collection, error)
}

// Context is what one evaluation may use. It may be shared by evaluations that
// run at the same time if its functions may.
type Context struct {
	// Now is the time of the request; now(), today() and timeOfDay() fail
	// without it.
	Now time.Time
	// Resolve gives the target of a reference that is neither contained nor in
	// the same Bundle; nil resolves none.
	Resolve func(reference string) (tree.Node, bool)
	// Resource and RootResource are %resource and %rootResource where the caller
	// knows them: the resource that the focus lies in, and the one that contains
	// it (the same again if none does). The zero Value lets the evaluation look
	// around the focus.
	Resource, RootResource Value
	// Vars are the host's %variables by name. "resource" and "rootResource"
	// replace what the focus says.
	Vars map[string]Collection
	// Trace is told what trace() met: its name and the items of its input, or of
	// its projection. They may be patient data: a log keeps len(items) and
	// items.Types(), never values. The items must not be kept after the call. nil traces
	// nothing and evaluates no projection.
	Trace func(name string, items Collection)
	// Work bounds the steps of one evaluation; 0 is DefaultWork.
	Work int
	// Data is the host's own, for its functions.
	Data any
}

// DefaultWork is the bound on steps: some hundred milliseconds of one core. A
// step is an item visited, a pair compared or 64 bytes of text made.
const DefaultWork = 5_000_000

// Bounds of one evaluation.
const (
	maxItems   = 500_000 // items alive at once, in all intermediate collections
	maxText    = 1 << 20 // bytes of one computed string
	maxPattern = 2000    // bytes of a regular expression
)
