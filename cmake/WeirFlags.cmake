# Compiler flags of all of weir, as interface targets.
#   weir-flags     every source
#   weir-os-flags  sources that may use the operating system (never core/ or sim/)

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
# No NDEBUG: assertions stay on. -g, because a failed assertion is a trap that only a debugger or a
# core file turns into a line.
set(CMAKE_C_FLAGS_RELEASE "-O3 -g")

add_library(weir-flags INTERFACE)
target_compile_options(weir-flags INTERFACE
	-Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wvla
	# Calls inside libweir may be inlined though the code is position-independent.
	-fno-semantic-interposition)
# gcc's is a guess that fires on the usual strncpy() into a zeroed structure; clang has none.
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
	target_compile_options(weir-flags INTERFACE -Wno-stringop-truncation)
endif()
if(WEIR_WERROR)
	target_compile_options(weir-flags INTERFACE -Werror)
endif()

add_library(weir-os-flags INTERFACE)
# Empty on purpose: equal to a plain "#define _GNU_SOURCE" in a source.
target_compile_options(weir-os-flags INTERFACE -D_GNU_SOURCE=)

if(WEIR_SANITIZE)
	add_compile_options(-fsanitize=${WEIR_SANITIZE} -fno-sanitize-recover=all
		-fno-omit-frame-pointer)
	add_link_options(-fsanitize=${WEIR_SANITIZE})
else()
	add_link_options(-Wl,-z,defs)
endif()
if(WEIR_FUZZ)
	add_compile_options(-fsanitize=fuzzer-no-link)
endif()
if(WEIR_COVERAGE)
	add_compile_options(--coverage)
	add_link_options(--coverage)
endif()
