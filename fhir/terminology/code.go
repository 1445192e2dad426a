package terminology

// Coding is a code with what is said of it. Version and Display may be "".
type Coding struct{ System, Version, Code, Display string }

// Verdict is the answer to "is it one of them".
type Verdict uint8

// Unknown means that the code system's content, or the value set, is not known
// here; whoever asked must not treat it as either of the others.
const (
	Unknown Verdict = iota
	Member
	NotMember
)

// Problem says why a code is not simply right.
type Problem uint8

// The problems of a code. WrongDisplay and Inactive come with Member.
const (
	NoProblem       Problem = iota
	UnknownValueSet         // no such value set, or it can't be expanded here
	UnknownSystem           // no such code system, or its content is not here
	UnknownCode             // the code system has no such code
	NotInValueSet           // a code of its system, but not of the value set
	NoSystem                // no system given, and none or several could be meant
	WrongDisplay            // Display is none of the code's designations
	Inactive                // the code is retired or deprecated
	Abstract                // the code is not selectable
)

// Answer is what ValidateCode finds.
type Answer struct {
	Verdict Verdict
	Problem Problem
	// System and Display are the code's own: inferred, and preferred in the
	// language that was asked for.
	System, Display string
	// Displays are all that would have been right, for a WrongDisplay.
	Displays []string
	// Text and Chinese tell a person what is wrong; "" for NoProblem.
	Text, Chinese string
}
