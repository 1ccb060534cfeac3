// The version, as model files, reports and the command line tell it.
#pragma once

#define GRADUS_VERSION "0.1.0"
