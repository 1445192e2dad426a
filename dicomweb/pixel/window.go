package pixel

import (
	"math"
	"strings"
)

// Function is a VOI LUT function.
type Function uint8

// The functions of PS3.3 C.11.2.1.2 and C.11.2.1.3.
const (
	Linear Function = iota
	LinearExact
	Sigmoid
)

// ParseFunction reads the value of VOILUTFunction or, in lower case and with a
// dash, that of the window parameter of PS3.18 §8.3.5.1.4.
func ParseFunction(s string) (Function, bool) {
	switch strings.ReplaceAll(strings.ToUpper(s), "-", "_") {
	case "LINEAR", "":
		return Linear, true
	case "LINEAR_EXACT":
		return LinearExact, true
	case "SIGMOID":
		return Sigmoid, true
	}
	return 0, false
}

// Window is a window of values after the modality transformation.
type Window struct {
	Center, Width float64
	Function      Function
}

// Check judges the width (PS3.3 C.11.2.1.2.1).
func (w *Window) Check() error {
	finite := !math.IsNaN(w.Center+w.Width) && !math.IsInf(w.Center, 0) && !math.IsInf(w.Width, 0)
	if !finite || w.Width <= 0 || w.Function == Linear && w.Width < 1 {
		return malformed("a window with center %g and width %g", w.Center, w.Width)
	}
	return nil
}

// unit maps a value to 0 … 1.
func (w *Window) unit(x float64) float64 {
	switch w.Function {
	case Sigmoid:
		return 1 / (1 + math.Exp(-4*(x-w.Center)/w.Width))
	case LinearExact:
		return min(max((x-w.Center)/w.Width+0.5, 0), 1)
	}
	c, half := w.Center-0.5, (w.Width-1)/2
	switch {
	case x <= c-half:
		return 0
	case x > c+half:
		return 1
	}
	return (x-c)/(w.Width-1) + 0.5
}
