package main

// codes are asked of both: right ones, wrong ones, and the edges of the grammar.
var codes = []string{
	"m", "mg/dL", "10*3/uL", "10^9/L", "m[H2O]", "mm[Hg]", "[in_i'Hg]", "{score}", "mg{total}/d", "{a}.m", "/min", "m/s/s", "kg.m-1.s+2", "(kg.m)/s2",
	"((m))", "mL/min/{1.73_m2}", "ug/(kg.h)", "[iU]/mL", "k[IU]/L", "meq/L", "mosm/kg", "Cel", "mCel", "[degF]", "dB[SPL]", "B[10.nV]", "[pH]", "%[slope]", "g%",
	"KiBy", "[m/s2/Hz^(1/2)]", "10.L/min", "24.h", "u[IU]/mL", "10.uN.s/(cm5.m2)", "[CFU]/mL", "/[HPF]", "cal_[15]", "kcal_th", "1/m", "2.m",
	"nonsense", "mmHg", "cc", "mcg", "IU", "iU", "m/", "/", "//m", "m//s", "m..s", ".m", "m.", "(m", "m)", "()", "m2x", "m--1", "-1", "{open", "m{a{b}}",
	"kk", "m s", "[lb_av", "°C", "µg", "mg/12h", "12h", "10+3/ul", "(/m)", "(m)2", "{a}m", "m{a}b", "1e3", "1.5.m", "Cel/h", "Cel2", "W/Cel", "[pH]/d",
	"0", "m/0", "m0", "k10*", "1.0", "{a}{b}", "m{a}{b}", "U/(10.g){feces}", "k[degF]", "m100", "MG", "HZ", "molv", "[IIU]", "mmol/kg[H20]",
}

// verdicts explain where the two differ on a code.
var verdicts = map[string]string{
	"0": "a number is positive (§8 ■1); it takes 0", "m/0": "a number is positive (§8 ■1); it takes 0", "1.0": "a number is positive (§8 ■1); it takes 0",
	"k10*":    "10* takes no prefix (isMetric=no); it allows one",
	"k[degF]": "[degF] takes no prefix (isMetric=no); it allows one",
	"m100":    "an exponent is bounded to two digits here",
}
