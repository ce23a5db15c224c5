# Tests, all run by CTest.
#
#   tests/{unit,host,sim,golden,gate,packetdrill}/**/test_*.c
#                                                  one cmocka program each; other sources of that
#                                                  top folder are linked to each of its tests
#   tests/{interop,gate,cli,package}/test_*.sh     scripts; WEIR_BIN names the command; status 77:
#                                                  skipped, as the machine cannot do it
#   tests/pkt, fuzz, bench                         have their own CMakeLists.txt
#
# Labels: the top folder's name; `big` for test_big_*, which only runs on a release build; `release`
# for other tests that only make sense there.

set(weir_test_timeout_unit 300)
set(weir_test_timeout_script 600)

# weir_add_test(NAME FOLDER SOURCE...): a cmocka program, linked with all of weir's libraries.
function(weir_add_test name folder)
	string(REPLACE "." "_" target "t_${name}")
	add_executable(${target} ${ARGN})
	target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/core
		${PROJECT_SOURCE_DIR}/host ${PROJECT_SOURCE_DIR}/tests)
	target_compile_definitions(${target} PRIVATE
		WEIR_SOURCE_DIR="${PROJECT_SOURCE_DIR}" WEIR_BUILD_DIR="${PROJECT_BINARY_DIR}"
		WEIR_VERSION="${PROJECT_VERSION}")
	target_link_libraries(${target} PRIVATE weir-flags weir-os-flags weir-gate weir-shield
		weir-host weir-sim weir-core PkgConfig::cmocka PkgConfig::sodium m)
	set_target_properties(${target} PROPERTIES
		OUTPUT_NAME ${name} RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
	if(folder STREQUAL "packetdrill")
		add_dependencies(${target} weir-packetdrill) # which it loads
	endif()
	add_test(NAME ${name} COMMAND ${target} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
	set_tests_properties(${name} PROPERTIES LABELS ${folder} SKIP_RETURN_CODE 77
		TIMEOUT ${weir_test_timeout_unit})
endfunction()

function(weir_add_folder_tests folder)
	set(root ${PROJECT_SOURCE_DIR}/tests/${folder})
	file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${root}/*.c)
	set(support ${sources})
	list(FILTER support EXCLUDE REGEX "/test_[^/]*\\.c$")
	list(FILTER sources INCLUDE REGEX "/test_[^/]*\\.c$")
	foreach(source ${sources})
		if(NOT WEIR_UNIT_TESTS AND NOT source MATCHES "/test_big_")
			continue()
		endif()
		file(RELATIVE_PATH name ${root} ${source})
		string(REGEX REPLACE "\\.c$" "" name ${name})
		string(REGEX REPLACE "(^|/)test_" "\\1" name ${name})
		string(REPLACE "/" "." name ${name})
		weir_add_test(${folder}.${name} ${folder} ${source} ${support})
		if(source MATCHES "/test_big_")
			set_tests_properties(${folder}.${name} PROPERTIES
				LABELS "${folder};big" TIMEOUT ${weir_test_timeout_script})
		endif()
	endforeach()
endfunction()

# Scripts make network namespaces and load both cores, so they run one at a time.
function(weir_add_scripts folder)
	file(GLOB scripts CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/${folder}/test_*.sh)
	foreach(script ${scripts})
		get_filename_component(name ${script} NAME_WE)
		string(REGEX REPLACE "^test_" "" name ${name})
		set(name ${folder}.sh.${name})
		add_test(NAME ${name} COMMAND ${script} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
		set(labels ${folder})
		if(script MATCHES "/test_big_")
			list(APPEND labels big)
		endif()
		set_tests_properties(${name} PROPERTIES LABELS "${labels}" SKIP_RETURN_CODE 77
			TIMEOUT ${weir_test_timeout_script} RUN_SERIAL ON
			ENVIRONMENT "WEIR_BIN=${PROJECT_BINARY_DIR}/weir;WEIR_BUILD_DIR=${PROJECT_BINARY_DIR};WEIR_BUILD_KIND=${WEIR_BUILD_KIND}")
	endforeach()
endfunction()

if(cmocka_FOUND AND sodium_FOUND)
	foreach(folder unit host sim golden gate packetdrill)
		weir_add_folder_tests(${folder})
	endforeach()
	if(WEIR_UNIT_TESTS)
		add_subdirectory(tests/pkt)
	endif()
else()
	message(STATUS "no unit tests: cmocka or libsodium is missing (tools/setup.sh test)")
endif()
weir_add_scripts(interop)
weir_add_scripts(gate)
weir_add_scripts(cli)
if(WEIR_BUILD_KIND STREQUAL "release")
	weir_add_scripts(package)
endif()

find_package(Python3 COMPONENTS Interpreter)
if(Python3_FOUND)
	set(tidy ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/tools/tidy.py)
	if(WEIR_BUILD_KIND STREQUAL "release")
		add_test(NAME tidy.archive COMMAND ${tidy} --archive $<TARGET_FILE:weir-core>)
		set_tests_properties(tidy.archive PROPERTIES LABELS "tidy;release")
	endif()
	add_test(NAME tidy COMMAND ${tidy})
	add_test(NAME tidy.selftest COMMAND ${tidy} --self-test)
	add_test(NAME tidy.ledger.selftest COMMAND ${Python3_EXECUTABLE}
		${PROJECT_SOURCE_DIR}/tools/ledger.py --self-test)
	add_test(NAME mutants.apply COMMAND ${Python3_EXECUTABLE}
		${PROJECT_SOURCE_DIR}/tools/mutants.py --check)
	add_test(NAME mutants.selftest COMMAND ${Python3_EXECUTABLE}
		${PROJECT_SOURCE_DIR}/tools/mutants.py --self-test)
	set_tests_properties(mutants.apply mutants.selftest PROPERTIES LABELS mutants)
	add_test(NAME tidy.man COMMAND ${Python3_EXECUTABLE}
		${PROJECT_SOURCE_DIR}/tools/man_tables.py --check)
	set_tests_properties(tidy tidy.selftest tidy.ledger.selftest tidy.man PROPERTIES LABELS tidy)
endif()
