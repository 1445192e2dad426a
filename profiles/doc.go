// Package profiles holds what Tenon itself defines, as FHIR resources in JSON:
// the plans of the processes with their gates, code systems, value sets and
// questionnaires in English and Chinese, and the sample organisations and people
// of a demonstration. It holds no program but what hands out the files.
//
//	r4        the base definitions of FHIR R4, embedded in compact form
//	case      what every process shares: words, extensions, profiles, the agreement
//	implant   the process of a custom implant (source 001)
//	sample    organisations and people of a demonstration
package profiles
