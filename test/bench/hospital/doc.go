// Package hospital makes the resources of a hospital that does not exist: the
// same ones for the same seed, on any machine, so that figures of two runs are
// about the same data. Shares are exact where a search is measured by them: of
// the patients 10 % are called 王 and 1 % 欧阳; of the Observations every tenth
// has a given code and every hundredth a given method; dates grow with the order
// in which the resources are made, as they do where people work. No person is
// meant by any of it.
package hospital
