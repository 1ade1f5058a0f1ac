// Stands for the toolkit's header of this name when kernels are compiled for the CPU.
#include "cuda_shim.h"
