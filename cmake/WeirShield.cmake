# The program that answers SYNs in the kernel (kern/, host/shield/): compiled by clang for the
# kernel's virtual machine and put into the library weir-shield. Without clang, libbpf or Linux's
# headers the library is there and says that it can do nothing.

option(WEIR_SHIELD "Build the kernel's part of weir serve --shield, where clang and libbpf are" ON)

file(GLOB shield_sources CONFIGURE_DEPENDS host/shield/*.c)
add_library(weir-shield ${weir_part} ${shield_sources})
target_include_directories(weir-shield PUBLIC include ${PROJECT_SOURCE_DIR})
target_link_libraries(weir-shield PRIVATE weir-flags weir-os-flags PUBLIC weir-host)

pkg_check_modules(bpf QUIET IMPORTED_TARGET GLOBAL libbpf>=1.0)
find_program(WEIR_BPF_CLANG NAMES clang clang-19 clang-18 clang-17 clang-16 clang-15 clang-14)

# -g: maps are described by debug information. Linux's headers are per architecture; what they have
# in common with the C library is taken from neither (kern/libc).
set(shield_flags -target bpf -mcpu=v3 -O2 -g -std=gnu11 -ffreestanding -Wall -Wextra -Werror
	-isystem ${PROJECT_SOURCE_DIR}/kern/libc
	-idirafter /usr/include/${CMAKE_LIBRARY_ARCHITECTURE})

# Not every clang can compile for it, and not every machine has the headers.
set(shield_possible FALSE)
if(WEIR_SHIELD AND bpf_FOUND AND WEIR_BPF_CLANG)
	file(WRITE ${PROJECT_BINARY_DIR}/shield_probe.c
		"#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\nint probe;\n")
	execute_process(COMMAND ${WEIR_BPF_CLANG} ${shield_flags}
		-c ${PROJECT_BINARY_DIR}/shield_probe.c -o ${PROJECT_BINARY_DIR}/shield_probe.o
		RESULT_VARIABLE shield_probed OUTPUT_QUIET ERROR_QUIET)
	if(shield_probed EQUAL 0)
		set(shield_possible TRUE)
	endif()
endif()

if(shield_possible)
	set(shield_object ${PROJECT_BINARY_DIR}/shield.bpf.o)
	add_custom_command(OUTPUT ${shield_object}
		COMMAND ${WEIR_BPF_CLANG} ${shield_flags}
			-I${PROJECT_SOURCE_DIR} -I${PROJECT_SOURCE_DIR}/include
			-I${PROJECT_SOURCE_DIR}/core
			-fdebug-prefix-map=${PROJECT_SOURCE_DIR}/=
			-MD -MF ${shield_object}.d -MT ${shield_object}
			-c ${PROJECT_SOURCE_DIR}/kern/shield.bpf.c -o ${shield_object}
		DEPENDS ${PROJECT_SOURCE_DIR}/kern/shield.bpf.c
		DEPFILE ${shield_object}.d
		COMMENT "Compiling the shield for the kernel" VERBATIM)
	target_compile_definitions(weir-shield PRIVATE WEIR_SHIELD_OBJECT="${shield_object}")
	set_source_files_properties(host/shield/object.c PROPERTIES OBJECT_DEPENDS ${shield_object})
	target_link_libraries(weir-shield PUBLIC PkgConfig::bpf)
	target_compile_definitions(weir-shield INTERFACE WEIR_HAS_SHIELD)
else()
	message(STATUS "weir serve --shield: not built (clang or libbpf is missing, or WEIR_SHIELD=OFF)")
endif()
