package ucum

// prefixes are powers of ten. https://ucum.org/ucum#prefixes
var prefixes = map[string]int{
	"Y": 24, "Z": 21, "E": 18, "P": 15, "T": 12, "G": 9, "M": 6, "k": 3, "h": 2, "da": 1,
	"d": -1, "c": -2, "m": -3, "u": -6, "n": -9, "p": -12, "f": -15, "a": -18, "z": -21, "y": -24,
}

// binary prefixes are powers of 1024.
var binary = map[string]int{"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4}

// bases are the base units in the order of a dimension's exponents.
// https://ucum.org/ucum#base-units
var bases = map[string]int{"m": 0, "s": 1, "g": 2, "rad": 3, "K": 4, "C": 5, "cd": 6}

// atom is a unit that is defined by another: value times unit.
type atom struct {
	value  string // decimal or fraction
	unit   string
	metric bool // takes prefixes
}

// pi is what UCUM gives for [pi].
const pi = "3.1415926535897932384626433832795028841971693993751058209749445923"

// atoms by code. https://ucum.org/ucum#derived-unit-atoms
var atoms = map[string]atom{
	// dimensionless
	"10*": {"10", "1", false}, "10^": {"10", "1", false}, "[pi]": {pi, "1", false},
	"%": {"1/100", "1", false}, "[ppth]": {"1/1000", "1", false},
	"[ppm]": {"1/1000000", "1", false}, "[ppb]": {"1/1000000000", "1", false},
	"mol": {"602213670000000000000000", "1", true}, "eq": {"1", "mol", true}, "osm": {"1", "mol", true},
	// SI
	"sr": {"1", "rad2", true}, "Hz": {"1", "s-1", true}, "N": {"1", "kg.m/s2", true},
	"Pa": {"1", "N/m2", true}, "J": {"1", "N.m", true}, "W": {"1", "J/s", true},
	"A": {"1", "C/s", true}, "V": {"1", "J/C", true}, "F": {"1", "C/V", true},
	"Ohm": {"1", "V/A", true}, "S": {"1", "Ohm-1", true}, "Wb": {"1", "V.s", true},
	"T": {"1", "Wb/m2", true}, "H": {"1", "Wb/A", true}, "lm": {"1", "cd.sr", true},
	"lx": {"1", "lm/m2", true}, "Bq": {"1", "s-1", true}, "Gy": {"1", "J/kg", true},
	"Sv": {"1", "J/kg", true}, "kat": {"1", "mol/s", true},
	// used with SI
	"gon": {"9/10", "deg", false}, "deg": {"2", "[pi].rad/360", false}, "'": {"1", "deg/60", false}, "''": {"1", "'/60", false},
	"l": {"1", "dm3", true}, "L": {"1", "l", true}, "ar": {"100", "m2", true},
	"min": {"60", "s", false}, "h": {"60", "min", false}, "d": {"24", "h", false},
	"wk": {"7", "d", false}, "mo": {"1/12", "a", false}, "a": {"365.25", "d", false},
	"a_j": {"365.25", "d", false}, "a_t": {"365.24219", "d", false}, "a_g": {"365.2425", "d", false},
	"mo_j": {"1/12", "a_j", false}, "mo_s": {"29.53059", "d", false}, "mo_g": {"1/12", "a_g", false},
	"[S]": {"1e-13", "s", false}, "t": {"1000", "kg", true}, "bar": {"100000", "Pa", true}, "u": {"1.6605402e-24", "g", true},
	"eV": {"1.60217733e-19", "J", true}, "AU": {"149597.870691", "Mm", false}, "pc": {"3.085678e16", "m", true},
	"[c]": {"299792458", "m/s", true}, "[g]": {"9.80665", "m/s2", true}, "gf": {"1", "g.[g]", true},
	// CGS and older
	"dyn": {"1", "g.cm/s2", true}, "erg": {"1", "dyn.cm", true}, "P": {"1", "dyn.s/cm2", true},
	"St": {"1", "cm2/s", true}, "G": {"0.0001", "T", true}, "Ci": {"37000000000", "Bq", true},
	"R": {"0.000258", "C/kg", true}, "RAD": {"100", "erg/g", true}, "REM": {"1", "RAD", true},
	"Ao": {"1/10", "nm", false}, "b": {"100", "fm2", false}, "att": {"1", "kgf/cm2", false},
	"atm": {"101325", "Pa", false}, "m[H2O]": {"9.80665", "kPa", true}, "m[Hg]": {"133.3220", "kPa", true},
	// clinical
	"U": {"1", "umol/min", true}, "cal": {"4.184", "J", true}, "cal_th": {"4.184", "J", true},
	"cal_IT": {"4.1868", "J", true}, "[Cal]": {"1", "kcal_th", false}, "[Ch]": {"1/3", "mm", false},
	"[drp]": {"1/20", "ml", false}, "[diop]": {"1", "/m", false}, "[MET]": {"3.5", "mL/min/kg", false},
	"[hnsf'U]": {"1", "1", false}, "[car_Au]": {"1/24", "1", false}, "[car_m]": {"1/5", "g", false},
	"[in_i'H2O]": {"1", "m[H2O].[in_i]/m", false}, "[in_i'Hg]": {"1", "m[Hg].[in_i]/m", false},
	"[wood'U]": {"1", "mm[Hg].min/L", false},
	// customary
	"[in_i]": {"2.54", "cm", false}, "[ft_i]": {"12", "[in_i]", false}, "[yd_i]": {"3", "[ft_i]", false},
	"[mi_i]": {"5280", "[ft_i]", false}, "[nmi_i]": {"1852", "m", false}, "[mil_i]": {"1/1000", "[in_i]", false},
	"[sin_i]": {"1", "[in_i]2", false}, "[sft_i]": {"1", "[ft_i]2", false}, "[cin_i]": {"1", "[in_i]3", false}, "[cft_i]": {"1", "[ft_i]3", false},
	"[kn_i]": {"1", "[nmi_i]/h", false}, "[ft_us]": {"1200/3937", "m", false}, "[in_us]": {"1/12", "[ft_us]", false},
	"[gr]": {"64.79891", "mg", false}, "[lb_av]": {"7000", "[gr]", false}, "[oz_av]": {"1/16", "[lb_av]", false},
	"[dr_av]": {"1/16", "[oz_av]", false}, "[ston_av]": {"2000", "[lb_av]", false}, "[stone_av]": {"14", "[lb_av]", false},
	"[lbf_av]": {"1", "[lb_av].[g]", false}, "[psi]": {"1", "[lbf_av]/[in_i]2", false}, "[oz_tr]": {"480", "[gr]", false},
	"[gal_us]": {"231", "[in_i]3", false}, "[qt_us]": {"1/4", "[gal_us]", false}, "[pt_us]": {"1/2", "[qt_us]", false},
	"[foz_us]": {"1/16", "[pt_us]", false}, "[cup_us]": {"16", "[tbs_us]", false}, "[tbs_us]": {"1/2", "[foz_us]", false},
	"[tsp_us]": {"1/3", "[tbs_us]", false}, "[gal_br]": {"4.54609", "l", false}, "[pt_br]": {"1/8", "[gal_br]", false}, "[foz_br]": {"1/20", "[pt_br]", false},
	"[degR]": {"5/9", "K", false}, "[pnt]": {"1/72", "[in_i]", false}, "[Btu]": {"1.05505585262", "kJ", false}, "[HP]": {"550", "[ft_i].[lbf_av]/s", false},
	// information
	"bit": {"1", "1", true}, "By": {"8", "bit", true}, "Bd": {"1", "/s", true},
}

// special units are no multiple of another: kelvin = value × scale + zero.
// https://ucum.org/ucum#special-units
var special = map[string]struct{ scale, zero string }{
	"Cel":    {"1", "273.15"},
	"[degF]": {"5/9", "45967/180"},
}

// arbitrary units measure by a procedure and convert to nothing; true if the
// unit takes prefixes. https://ucum.org/ucum#arbitrary-units
var arbitrary = map[string]bool{
	"[iU]": true, "[IU]": true, "[arb'U]": false, "[USP'U]": false, "[GPL'U]": false,
	"[MPL'U]": false, "[APL'U]": false, "[beth'U]": false, "[anti'Xa'U]": false,
	"[todd'U]": false, "[dye'U]": false, "[smgy'U]": false, "[bdsk'U]": false,
	"[ka'U]": false, "[knk'U]": false, "[mclg'U]": false, "[tb'U]": false, "[CCID_50]": false,
	"[TCID_50]": false, "[EID_50]": false, "[PFU]": false, "[FFU]": false, "[CFU]": false,
	"[IR]": false, "[BAU]": false, "[AU]": false, "[Amb'a'1'U]": false, "[PNU]": false,
	"[Lf]": false, "[D'ag'U]": false, "[FEU]": false, "[ELU]": false, "[EU]": false,
	"[pH]": false, "[hp_X]": false, "[hp_C]": false, "B": true, "Np": true, "B[SPL]": true,
}

// same holds codes that name one arbitrary unit.
var same = map[string]string{"[IU]": "[iU]"}
