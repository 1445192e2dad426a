// Package otelx ends spans, of which there are none: nobody traces here.
package otelx

// End ends a span, whose type is of no interest.
func End(_ any, _ *error) {}
