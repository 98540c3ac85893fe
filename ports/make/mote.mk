# SPDX-License-Identifier: Apache-2.0
# libmote.a by make alone. Included in a Makefile (tests/link/make is one), it gives the rule for $(MOTE_LIBRARY), and
# in $(MOTE_FLAGS) what files that include mote must be compiled with; or alone:
#   make -f mote/ports/make/mote.mk CXX=arm-none-eabi-g++ AR=arm-none-eabi-ar \
#        CXXFLAGS="-Os -mcpu=cortex-m4 -mthumb -mfloat-abi=hard -mfpu=fpv4-sp-d16"
# CXXFLAGS say the processor and the optimisation. What else can be set:
MOTE_BUILD ?= build/mote
# Whose panic.cpp it is: generic traps, linux prints a sentence and aborts; or empty, and the program has one (port.hpp).
MOTE_PORT ?= generic
# The folder of xsimd 13 or later (it holds xsimd/xsimd.hpp), for vectors of the processor that CXXFLAGS name, such as
# -mavx2 -mfma; empty: scalar kernels. Cortex-M has no use for it.
MOTE_XSIMD ?=

MOTE_ROOT := $(patsubst %/ports/make/mote.mk,%,$(abspath $(lastword $(MAKEFILE_LIST))))
MOTE_LIBRARY := $(MOTE_BUILD)/libmote.a
MOTE_FLAGS := -std=c++20 -ffp-contract=off -I$(MOTE_ROOT)/include
# dispatch.cpp is for several instruction sets in one library, which CMake builds.
MOTE_SOURCES := $(filter-out %/dispatch.cpp,$(wildcard $(MOTE_ROOT)/src/*.cpp \
  $(foreach room,model plan run train pursuit quantize kernels,$(MOTE_ROOT)/src/$(room)/*.cpp)))
MOTE_SOURCES += $(if $(MOTE_PORT),$(MOTE_ROOT)/ports/$(MOTE_PORT)/panic.cpp)
MOTE_OBJECTS := $(patsubst $(MOTE_ROOT)/%.cpp,$(MOTE_BUILD)/%.o,$(MOTE_SOURCES))
MOTE_BUILD_FLAGS := -w -Wno-psabi -I$(MOTE_ROOT)/src -DNDEBUG -fno-exceptions -fno-rtti -fno-threadsafe-statics -fno-math-errno \
  -ffunction-sections -fdata-sections $(if $(MOTE_XSIMD),-isystem $(MOTE_XSIMD),$(if \
  $(filter -mcpu=cortex-m% -march=armv8.1-m%,$(CXXFLAGS)),,-DMOTE_FORCE_SCALAR))

$(MOTE_LIBRARY): $(MOTE_OBJECTS)
	rm -f $@
	$(AR) rcs $@ $^

$(MOTE_BUILD)/%.o: $(MOTE_ROOT)/%.cpp
	@mkdir -p $(@D)
	$(CXX) $(CPPFLAGS) $(CXXFLAGS) $(MOTE_FLAGS) $(MOTE_BUILD_FLAGS) -MMD -MP -c $< -o $@

-include $(MOTE_OBJECTS:.o=.d)
