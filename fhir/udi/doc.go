// Package udi reads the unique identifiers of medical devices: the carriers of
// GS1, HIBCC, ICCBBA, MA (ZIIOT) and AHM as they are scanned or printed, with
// their check digits, dates and character sets. A fault names the rule and the
// place in the text.
//
//	form                          example
//	GS1, printed                  (01)06901234567892(17)290700(10)A1(21)7
//	GS1, scanned                  ]d20106901234567892172907001A1<FNC1>217
//	GS1, as a link                https://id.gs1.org/01/06901234567892/21/7
//	HIBCC                         +A123BJC5D6E71G
//	ICCBBA                        =/A9999XYZ100T0944=,000025
//	MA                            MA.156.M0.100761.21234561.Sx00008
//	AHM                           opaque, by the word of its issuer alone
//
// The room makes no code and never completes one: a code comes from its agency.
// A code of the hospital or maker (a custom-made device needs no UDI in many
// jurisdictions) is no UDI; whoever asks decides whether it is allowed. It knows
// no clock: two-digit years are read by a year that the caller gives.
package udi
