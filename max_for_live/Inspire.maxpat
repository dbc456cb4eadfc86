{
	"patcher": {
		"fileversion": 1,
		"appversion": {
			"major": 8,
			"minor": 6,
			"revision": 0,
			"architecture": "x64",
			"modernui": 1
		},
		"classnamespace": "box",
		"rect": [
			60,
			90,
			1300,
			900
		],
		"openrect": [
			0,
			0,
			784,
			169
		],
		"openinpresentation": 1,
		"devicewidth": 784,
		"default_fontsize": 9.5,
		"default_fontname": "Ableton Sans Medium",
		"description": "Music from words, and from what you play, in the set's tempo and key",
		"boxes": [
			{
				"box": {
					"filename": "inspire.js",
					"id": "obj-1",
					"maxclass": "newobj",
					"numinlets": 2,
					"numoutlets": 4,
					"outlettype": [
						"",
						"",
						"",
						""
					],
					"patching_rect": [
						20,
						20,
						91,
						22
					],
					"saved_object_attributes": {
						"filename": "inspire.js",
						"parameter_enable": 0
					},
					"text": "js inspire.js",
					"textfile": {
						"filename": "inspire.js",
						"flags": 0,
						"embed": 0,
						"autowatch": 1
					},
					"varname": "script"
				}
			},
			{
				"box": {
					"annotation": "Which bank of presets the list beside it shows.",
					"annotation_name": "Bank",
					"arrow": 1,
					"bgfillcolor": [
						0.117647,
						0.117647,
						0.117647,
						1.0
					],
					"elementcolor": [
						0.709804,
						0.709804,
						0.709804,
						1.0
					],
					"fontname": "Ableton Sans Medium",
					"fontsize": 9.5,
					"id": "obj-2",
					"items": [
						"bank"
					],
					"maxclass": "umenu",
					"numinlets": 1,
					"numoutlets": 3,
					"outlettype": [
						"int",
						"",
						""
					],
					"patching_rect": [
						6,
						706,
						62,
						17
					],
					"presentation": 1,
					"presentation_rect": [
						6,
						6,
						62,
						17
					],
					"saved_attribute_attributes": {
						"bgfillcolor": {
							"expression": "themecolor.live_control_text_bg"
						},
						"textcolor": {
							"expression": "themecolor.live_control_fg"
						},
						"elementcolor": {
							"expression": "themecolor.live_control_fg"
						}
					},
					"textcolor": [
						0.709804,
						0.709804,
						0.709804,
						1.0
					],
					"truncate": 1,
					"varname": "bank"
				}
			},
			{
				"box": {
					"annotation": "A preset brings a prompt and what suits it. Your own words win over its.",
					"annotation_name": "Preset",
					"arrow": 1,
					"bgfillcolor": [
						0.117647,
						0.117647,
						0.117647,
						1.0
					],
					"elementcolor": [
						0.709804,
						0.709804,
						0.709804,
						1.0
					],
					"fontname": "Ableton Sans Medium",
					"fontsize": 9.5,
					"id": "obj-3",
					"items": [
						"no preset"
					],
					"maxclass": "umenu",
					"numinlets": 1,
					"numoutlets": 3,
					"outlettype": [
						"int",
						"",
						""
					],
					"patching_rect": [
						72,
						706,
						112,
						17
					],
					"presentation": 1,
					"presentation_rect": [
						72,
						6,
						112,
						17
					],
					"saved_attribute_attributes": {
						"bgfillcolor": {
							"expression": "themecolor.live_control_text_bg"
						},
						"textcolor": {
							"expression": "themecolor.live_control_fg"
						},
						"elementcolor": {
							"expression": "themecolor.live_control_fg"
						}
					},
					"textcolor": [
						0.709804,
						0.709804,
						0.709804,
						1.0
					],
					"truncate": 1,
					"varname": "preset"
				}
			},
			{
				"box": {
					"annotation": "What to play: style, instruments, mood, such as: dub techno, warm, no drums. Tempo and key come from Live.",
					"annotation_name": "Prompt",
					"bgcolor": [
						0.117647,
						0.117647,
						0.117647,
						1.0
					],
					"border": 1.0,
					"bordercolor": [
						0.066667,
						0.066667,
						0.066667,
						1.0
					],
					"fontname": "Ableton Sans Medium",
					"fontsize": 12,
					"id": "obj-4",
					"keymode": 1,
					"lines": 5,
					"maxclass": "textedit",
					"nosymquotes": 1,
					"numinlets": 1,
					"numoutlets": 4,
					"outlettype": [
						"",
						"int",
						"",
						""
					],
					"outputmode": 1,
					"parameter_enable": 1,
					"patching_rect": [
						6,
						727,
						178,
						80
					],
					"presentation": 1,
					"presentation_rect": [
						6,
						27,
						178,
						80
					],
					"rounded": 0.0,
					"saved_attribute_attributes": {
						"bgcolor": {
							"expression": "themecolor.live_control_text_bg"
						},
						"textcolor": {
							"expression": "themecolor.live_control_fg"
						},
						"bordercolor": {
							"expression": "themecolor.live_contrast_frame"
						},
						"valueof": {
							"parameter_annotation_name": "Prompt",
							"parameter_info": "What to play: style, instruments, mood, such as: dub techno, warm, no drums. Tempo and key come from Live.",
							"parameter_invisible": 1,
							"parameter_longname": "Prompt",
							"parameter_modmode": 0,
							"parameter_shortname": "Prompt",
							"parameter_type": 3
						}
					},
					"textcolor": [
						0.709804,
						0.709804,
						0.709804,
						1.0
					],
					"varname": "prompt",
					"wordwrap": 1
				}
			},
			{
				"box": {
					"fontname": "Ableton Sans Medium",
					"fontsize": 9.5,
					"id": "obj-5",
					"maxclass": "comment",
					"numinlets": 1,
					"numoutlets": 0,
					"patching_rect": [
						6,
						810,
						178,
						16
					],
					"presentation": 1,
					"presentation_rect": [
						6,
						110,
						178,
						16
					],
					"saved_attribute_attributes": {
						"textcolor": {
							"expression": "themecolor.live_control_fg"
						}
					},
					"text": "120.00 bpm · 4/4",
					"textcolor": [
						0.709804,
						0.709804,
						0.709804,
						1.0
					],
					"varname": "host"
				}
			},
			{
				"box": {
					"annotation": "The model that plays. The daemon lists those it has.",
					"annotation_name": "Model",
					"arrow": 1,
					"bgfillcolor": [
						0.117647,
						0.117647,
						0.117647,
						1.0
					],
					"elementcolor": [
						0.709804,
						0.709804,
						0.709804,
						1.0
					],
					"fontname": "Ableton Sans Medium",
					"fontsize": 9.5,
					"id": "obj-6",
					"items": [
						"model"
					],
					"maxclass": "umenu",
					"numinlets": 1,
					"numoutlets": 3,
					"outlettype": [
						"int",
						"",
						""
					],
					"patching_rect": [
						6,
						828,
						98,
						17
					],
					"presentation": 1,
					"presentation_rect": [
						6,
						128,
						98,
						17
					],
					"saved_attribute_attributes": {
						"bgfillcolor": {
							"expression": "themecolor.live_control_text_bg"
						},
						"textcolor": {
							"expression": "themecolor.live_control_fg"
						},
						"elementcolor": {
							"expression": "themecolor.live_control_fg"
						}
					},
					"textcolor": [
						0.709804,
						0.709804,
						0.709804,
						1.0
					],
					"truncate": 1,
					"varname": "model"
				}
			},
			{
				"box": {
					"fontname": "Ableton Sans Medium",
					"fontsize": 9.5,
					"id": "obj-7",
					"maxclass": "live.comment",
					"numinlets": 1,
					"numoutlets": 0,
					"patching_rect": [
						108,
						828,
						26,
						16
					],
					"presentation": 1,
					"presentation_rect": [
						108,
						128,
						26,
						16
					],
					"text": "Port",
					"textjustification": 0,
					"varname": "port_label"
				}
			},
			{
				"box": {
					"annotation": "The UDP port of the inspire daemon on this computer: 7770 unless you chose another. inspire status tells it.",
					"annotation_name": "Daemon Port",
					"id": "obj-8",
					"maxclass": "live.numbox",
					"numinlets": 1,
					"numoutlets": 2,
					"outlettype": [
						"",
						"float"
					],
					"parameter_enable": 1,
					"patching_rect": [
						138,
						829,
						46,
						15
					],
					"presentation": 1,
					"presentation_rect": [
						138,
						129,
						46,
						15
					],
					"saved_attribute_attributes": {
						"valueof": {
							"parameter_annotation_name": "Daemon Port",
							"parameter_info": "The UDP port of the inspire daemon on this computer: 7770 unless you chose another. inspire status tells it.",
							"parameter_invisible": 1,
							"parameter_longname": "Daemon Port",
							"parameter_modmode": 0,
							"parameter_shortname": "Port",
							"parameter_initial": [
								7770
							],
							"parameter_initial_enable": 1,
							"parameter_mmax": 65535,
							"parameter_mmin": 1024,
							"parameter_type": 0,
							"parameter_unitstyle": 0
						}
					},
					"varname": "port"
				}
			},
			{
				"box": {
					"annotation": "Records what comes into the device until pressed again, then continues it: play, press, and it goes on.",
					"annotation_name": "Record Input",
					"fontname": "Ableton Sans Medium",
					"fontsize": 9.5,
					"id": "obj-9",
					"maxclass": "live.text",
					"mode": 0,
					"numinlets": 1,
					"numoutlets": 2,
					"outlettype": [
						"",
						""
					],
					"outputmode": 1,
					"parameter_enable": 1,
					"patching_rect": [
						6,
						849,
						178,
						14
					],
					"presentation": 1,
					"presentation_rect": [
						6,
						149,
						178,
						14
					],
					"saved_attribute_attributes": {
						"valueof": {
							"parameter_annotation_name": "Record Input",
							"parameter_info": "Records what comes into the device until pressed again, then continues it: play, press, and it goes on.",
							"parameter_invisible": 0,
							"parameter_longname": "Record Input",
							"parameter_modmode": 0,
							"parameter_shortname": "Rec",
							"parameter_initial": [
								0
							],
							"parameter_initial_enable": 1,
							"parameter_enum": [
								"off",
								"on"
							],
							"parameter_mmax": 1,
							"parameter_type": 2
						}
					},
					"text": "Record input, then continue it",
					"varname": "record"
				}
			},
			{
				"box": {
					"annotation": "Generate: from the words alone. Continue: goes on from the source. Fill: replaces the region, both sides heard. Arrange: a whole piece, each locator a section, on from the clip that ends among them.",
					"annotation_name": "Mode",
					"fontname": "Ableton Sans Medium",
					"fontsize": 9.5,
					"id": "obj-10",
					"livemode": 1,
					"maxclass": "live.tab",
					"num_lines_patching": 1,
					"num_lines_presentation": 1,
					"numinlets": 1,
					"numoutlets": 3,
					"outlettype": [
						"",
						"",
						"float"
					],
					"parameter_enable": 1,
					"patching_rect": [
						192,
						706,
						168,
						18
					],
					"presentation": 1,
					"presentation_rect": [
						192,
						6,
						168,
						18
					],
					"saved_attribute_attributes": {
						"valueof": {
							"parameter_annotation_name": "Mode",
							"parameter_info": "Generate: from the words alone. Continue: goes on from the source. Fill: replaces the region, both sides heard. Arrange: a whole piece, each locator a section, on from the clip that ends among them.",
							"parameter_invisible": 0,
							"parameter_longname": "Mode",
							"parameter_modmode": 0,
							"parameter_shortname": "Mode",
							"parameter_initial": [
								0
							],
							"parameter_initial_enable": 1,
							"parameter_enum": [
								"Generate",
								"Continue",
								"Fill",
								"Arrange"
							],
							"parameter_mmax": 3,
							"parameter_type": 2
						}
					},
					"varname": "mode"
				}
			},
			{
				"box": {
					"fontname": "Ableton Sans Medium",
					"fontsize": 9.5,
					"id": "obj-11",
					"maxclass": "live.comment",
					"numinlets": 1,
					"numoutlets": 0,
					"patching_rect": [
						192,
						729,
						34,
						16
					],
					"presentation": 1,
					"presentation_rect": [
						192,
						29,
						34,
						16
					],
					"text": "Bars",
					"textjustification": 0,
					"varname": "bars_label"
				}
			},
			{
				"box": {
					"annotation": "How long the new part is, in bars of the set.",
					"annotation_name": "Bars",
					"fontname": "Ableton Sans Medium",
					"fontsize": 9.5,
					"id": "obj-12",
					"livemode": 1,
					"maxclass": "live.tab",
					"num_lines_patching": 1,
					"num_lines_presentation": 1,
					"numinlets": 1,
					"numoutlets": 3,
					"outlettype": [
						"",
						"",
						"float"
					],
					"parameter_enable": 1,
					"patching_rect": [
						230,
						729,
						130,
						16
					],
					"presentation": 1,
					"presentation_rect": [
						230,
						29,
						130,
						16
					],
					"saved_attribute_attributes": {
						"valueof": {
							"parameter_annotation_name": "Bars",
							"parameter_info": "How long the new part is, in bars of the set.",
							"parameter_invisible": 0,
							"parameter_longname": "Bars",
							"parameter_modmode": 0,
							"parameter_shortname": "Bars",
							"parameter_initial": [
								2
							],
							"parameter_initial_enable": 1,
							"parameter_enum": [
								"1",
								"2",
								"4",
								"8",
								"16"
							],
							"parameter_mmax": 4,
							"parameter_type": 2
						}
					},
					"varname": "bars"
				}
			},
			{
				"box": {
					"fontname": "Ableton Sans Medium",
					"fontsize": 9.5,
					"id": "obj-13",
					"maxclass": "live.comment",
					"numinlets": 1,
					"numoutlets": 0,
					"patching_rect": [
						192,
						749,
						34,
						16
					],
					"presentation": 1,
					"presentation_rect": [
						192,
						49,
						34,
						16
					],
					"text": "Takes",
					"textjustification": 0,
					"varname": "takes_label"
				}
			},
			{
				"box": {
					"annotation": "How many alternatives are made at once: A to D.",
					"annotation_name": "Takes",
					"fontname": "Ableton Sans Medium",
					"fontsize": 9.5,
					"id": "obj-14",
					"livemode": 1,
					"maxclass": "live.tab",
					"num_lines_patching": 1,
					"num_lines_presentation": 1,
					"numinlets": 1,
					"numoutlets": 3,
					"outlettype": [
						"",
						"",
						"float"
					],
					"parameter_enable": 1,
					"patching_rect": [
						230,
						749,
						130,
						16
					],
					"presentation": 1,
					"presentation_rect": [
						230,
						49,
						130,
						16
					],
					"saved_attribute_attributes": {
						"valueof": {
							"parameter_annotation_name": "Takes",
							"parameter_info": "How many alternatives are made at once: A to D.",
							"parameter_invisible": 0,
							"parameter_longname": "Takes",
							"parameter_modmode": 0,
							"parameter_shortname": "Takes",
							"parameter_initial": [
								0
							],
							"parameter_initial_enable": 1,
							"parameter_enum": [
								"1",
								"2",
								"3",
								"4"
							],
							"parameter_mmax": 3,
							"parameter_type": 2
						}
					},
					"varname": "takes"
				}
			},
			{
				"box": {
					"fontname": "Ableton Sans Medium",
					"fontsize": 9.5,
					"id": "obj-15",
					"maxclass": "live.comment",
					"numinlets": 1,
					"numoutlets": 0,
					"patching_rect": [
						192,
						769,
						34,
						16
					],
					"presentation": 1,
					"presentation_rect": [
						192,
						69,
						34,
						16
					],
					"text": "Drums",
					"textjustification": 0,
					"varname": "drums_label"
				}
			},
			{
				"box": {
					"annotation": "Auto: as the words say. With: drums are asked for. Without: they are kept away.",
					"annotation_name": "Drums",
					"fontname": "Ableton Sans Medium",
					"fontsize": 9.5,
					"id": "obj-16",
					"livemode": 1,
					"maxclass": "live.tab",
					"num_lines_patching": 1,
					"num_lines_presentation": 1,
					"numinlets": 1,
					"numoutlets": 3,
					"outlettype": [
						"",
						"",
						"float"
					],
					"parameter_enable": 1,
					"patching_rect": [
						230,
						769,
						130,
						16
					],
					"presentation": 1,
					"presentation_rect": [
						230,
						69,
						130,
						16
					],
					"saved_attribute_attributes": {
						"valueof": {
							"parameter_annotation_name": "Drums",
							"parameter_info": "Auto: as the words say. With: drums are asked for. Without: they are kept away.",
							"parameter_invisible": 0,
							"parameter_longname": "Drums",
							"parameter_modmode": 0,
							"parameter_shortname": "Drums",
							"parameter_initial": [
								0
							],
							"parameter_initial_enable": 1,
							"parameter_enum": [
								"Auto",
								"With",
								"Without"
							],
							"parameter_mmax": 2,
							"parameter_type": 2
						}
					},
					"varname": "drums"
				}
			},
			{
				"box": {
					"fontname": "Ableton Sans Medium",
					"fontsize": 9.5,
					"id": "obj-17",
					"maxclass": "live.comment",
					"numinlets": 1,
					"numoutlets": 0,
					"patching_rect": [
						192,
						789,
						34,
						16
					],
					"presentation": 1,
					"presentation_rect": [
						192,
						89,
						34,
						16
					],
					"text": "Key",
					"textjustification": 0,
					"varname": "key_label"
				}
			},
			{
				"box": {
					"annotation": "Live: the scale of the set is asked for, where it is major or minor and switched on. Prompt: only what the words say.",
					"annotation_name": "Key",
					"fontname": "Ableton Sans Medium",
					"fontsize": 9.5,
					"id": "obj-18",
					"livemode": 1,
					"maxclass": "live.tab",
					"num_lines_patching": 1,
					"num_lines_presentation": 1,
					"numinlets": 1,
					"numoutlets": 3,
					"outlettype": [
						"",
						"",
						"float"
					],
					"parameter_enable": 1,
					"patching_rect": [
						230,
						789,
						130,
						16
					],
					"presentation": 1,
					"presentation_rect": [
						230,
						89,
						130,
						16
					],
					"saved_attribute_attributes": {
						"valueof": {
							"parameter_annotation_name": "Key",
							"parameter_info": "Live: the scale of the set is asked for, where it is major or minor and switched on. Prompt: only what the words say.",
							"parameter_invisible": 1,
							"parameter_longname": "Key",
							"parameter_modmode": 0,
							"parameter_shortname": "Key",
							"parameter_initial": [
								1
							],
							"parameter_initial_enable": 1,
							"parameter_enum": [
								"Prompt",
								"Live"
							],
							"parameter_mmax": 1,
							"parameter_type": 2
						}
					},
					"varname": "key"
				}
			},
			{
				"box": {
					"annotation": "How strictly words and source are followed. 0: as the preset or model likes it.",
					"annotation_name": "Guidance",
					"id": "obj-19",
					"maxclass": "live.dial",
					"numinlets": 1,
					"numoutlets": 2,
					"outlettype": [
						"",
						"float"
					],
					"parameter_enable": 1,
					"patching_rect": [
						192,
						812,
						44,
						48
					],
					"presentation": 1,
					"presentation_rect": [
						192,
						112,
						44,
						48
					],
					"saved_attribute_attributes": {
						"valueof": {
							"parameter_annotation_name": "Guidance",
							"parameter_info": "How strictly words and source are followed. 0: as the preset or model likes it.",
							"parameter_invisible": 0,
							"parameter_longname": "Guidance",
							"parameter_modmode": 0,
							"parameter_shortname": "Guide",
							"parameter_initial": [
								0
							],
							"parameter_initial_enable": 1,
							"parameter_mmax": 10,
							"parameter_mmin": 0,
							"parameter_type": 0,
							"parameter_unitstyle": 1
						}
					},
					"varname": "guidance"
				}
			},
			{
				"box": {
					"annotation": "How loud you hear what is made and what you audition. Files keep their level.",
					"annotation_name": "Monitor Gain",
					"id": "obj-20",
					"maxclass": "live.dial",
					"numinlets": 1,
					"numoutlets": 2,
					"outlettype": [
						"",
						"float"
					],
					"parameter_enable": 1,
					"patching_rect": [
						240,
						812,
						44,
						48
					],
					"presentation": 1,
					"presentation_rect": [
						240,
						112,
						44,
						48
					],
					"saved_attribute_attributes": {
						"valueof": {
							"parameter_annotation_name": "Monitor Gain",
							"parameter_info": "How loud you hear what is made and what you audition. Files keep their level.",
							"parameter_invisible": 0,
							"parameter_longname": "Monitor Gain",
							"parameter_modmode": 0,
							"parameter_shortname": "Gain",
							"parameter_initial": [
								0
							],
							"parameter_initial_enable": 1,
							"parameter_mmax": 6,
							"parameter_mmin": -60,
							"parameter_type": 0,
							"parameter_unitstyle": 4
						}
					},
					"varname": "gain"
				}
			},
			{
				"box": {
					"annotation": "The seed used while Lock is on: same seed, same music.",
					"annotation_name": "Seed",
					"id": "obj-21",
					"maxclass": "live.numbox",
					"numinlets": 1,
					"numoutlets": 2,
					"outlettype": [
						"",
						"float"
					],
					"parameter_enable": 1,
					"patching_rect": [
						292,
						812,
						68,
						15
					],
					"presentation": 1,
					"presentation_rect": [
						292,
						112,
						68,
						15
					],
					"saved_attribute_attributes": {
						"valueof": {
							"parameter_annotation_name": "Seed",
							"parameter_info": "The seed used while Lock is on: same seed, same music.",
							"parameter_invisible": 1,
							"parameter_longname": "Seed",
							"parameter_modmode": 0,
							"parameter_shortname": "Seed",
							"parameter_initial": [
								0
							],
							"parameter_initial_enable": 1,
							"parameter_mmax": 9999,
							"parameter_mmin": 0,
							"parameter_type": 0,
							"parameter_unitstyle": 0
						}
					},
					"varname": "seed"
				}
			},
			{
				"box": {
					"annotation": "On: the next ones use this seed. Switching it on takes the seed of the result that is shown.",
					"annotation_name": "Seed Lock",
					"fontname": "Ableton Sans Medium",
					"fontsize": 9.5,
					"id": "obj-22",
					"maxclass": "live.text",
					"mode": 1,
					"numinlets": 1,
					"numoutlets": 2,
					"outlettype": [
						"",
						""
					],
					"parameter_enable": 1,
					"patching_rect": [
						292,
						830,
						68,
						15
					],
					"presentation": 1,
					"presentation_rect": [
						292,
						130,
						68,
						15
					],
					"saved_attribute_attributes": {
						"valueof": {
							"parameter_annotation_name": "Seed Lock",
							"parameter_info": "On: the next ones use this seed. Switching it on takes the seed of the result that is shown.",
							"parameter_invisible": 1,
							"parameter_longname": "Seed Lock",
							"parameter_modmode": 0,
							"parameter_shortname": "Lock",
							"parameter_initial": [
								0
							],
							"parameter_initial_enable": 1,
							"parameter_enum": [
								"off",
								"on"
							],
							"parameter_mmax": 1,
							"parameter_type": 2
						}
					},
					"text": "Lock seed",
					"texton": "Lock seed",
					"varname": "lock"
				}
			},
			{
				"box": {
					"annotation": "On: heard on the daemon's audio device while it is made.",
					"annotation_name": "Hear While Made",
					"fontname": "Ableton Sans Medium",
					"fontsize": 9.5,
					"id": "obj-23",
					"maxclass": "live.text",
					"mode": 1,
					"numinlets": 1,
					"numoutlets": 2,
					"outlettype": [
						"",
						""
					],
					"parameter_enable": 1,
					"patching_rect": [
						292,
						848,
						68,
						15
					],
					"presentation": 1,
					"presentation_rect": [
						292,
						148,
						68,
						15
					],
					"saved_attribute_attributes": {
						"valueof": {
							"parameter_annotation_name": "Hear While Made",
							"parameter_info": "On: heard on the daemon's audio device while it is made.",
							"parameter_invisible": 1,
							"parameter_longname": "Hear While Made",
							"parameter_modmode": 0,
							"parameter_shortname": "Hear",
							"parameter_initial": [
								1
							],
							"parameter_initial_enable": 1,
							"parameter_enum": [
								"off",
								"on"
							],
							"parameter_mmax": 1,
							"parameter_type": 2
						}
					},
					"text": "Hear live",
					"texton": "Hear live",
					"varname": "hear"
				}
			},
			{
				"box": {
					"bgcolor": [
						0.117647,
						0.117647,
						0.117647,
						1.0
					],
					"fontname": "Ableton Sans Medium",
					"fontsize": 11,
					"id": "obj-24",
					"maxclass": "comment",
					"numinlets": 1,
					"numoutlets": 0,
					"patching_rect": [
						368,
						706,
						248,
						21
					],
					"presentation": 1,
					"presentation_rect": [
						368,
						6,
						248,
						21
					],
					"saved_attribute_attributes": {
						"bgcolor": {
							"expression": "themecolor.live_control_bg"
						},
						"textcolor": {
							"expression": "themecolor.live_control_fg"
						}
					},
					"text": "looking for the daemon",
					"textcolor": [
						0.709804,
						0.709804,
						0.709804,
						1.0
					],
					"varname": "status"
				}
			},
			{
				"box": {
					"fontname": "Ableton Sans Medium",
					"fontsize": 9,
					"id": "obj-25",
					"maxclass": "comment",
					"numinlets": 1,
					"numoutlets": 0,
					"patching_rect": [
						368,
						729,
						248,
						15
					],
					"presentation": 1,
					"presentation_rect": [
						368,
						29,
						248,
						15
					],
					"saved_attribute_attributes": {
						"textcolor": {
							"expression": "themecolor.live_control_fg"
						}
					},
					"text": "no source: select an audio clip",
					"textcolor": [
						0.709804,
						0.709804,
						0.709804,
						1.0
					],
					"varname": "source"
				}
			},
			{
				"box": {
					"annotation": "The source, and in it what is continued or replaced. Drag to choose another part.",
					"annotation_name": "Source wave",
					"bgcolor": [
						0.094118,
						0.094118,
						0.094118,
						1.0
					],
					"buffername": "---source_wave",
					"grid": 1000.0,
					"gridcolor": [
						0.066667,
						0.066667,
						0.066667,
						1.0
					],
					"id": "obj-26",
					"labels": 0,
					"maxclass": "waveform~",
					"numinlets": 5,
					"numoutlets": 6,
					"outlettype": [
						"float",
						"float",
						"float",
						"float",
						"list",
						""
					],
					"patching_rect": [
						368,
						744,
						248,
						38
					],
					"presentation": 1,
					"presentation_rect": [
						368,
						44,
						248,
						38
					],
					"saved_attribute_attributes": {
						"bgcolor": {
							"expression": "themecolor.live_lcd_bg"
						},
						"gridcolor": {
							"expression": "themecolor.live_contrast_frame"
						},
						"selectioncolor": {
							"expression": "themecolor.live_selection"
						},
						"waveformcolor": {
							"expression": "themecolor.live_control_selection"
						}
					},
					"selectioncolor": [
						0.690196,
						0.866667,
						0.921569,
						1.0
					],
					"setmode": 1,
					"ticks": 0,
					"varname": "source_wave",
					"vlabels": 0,
					"vticks": 0,
					"waveformcolor": [
						1.0,
						0.678431,
						0.337255,
						1.0
					]
				}
			},
			{
				"box": {
					"fontname": "Ableton Sans Medium",
					"fontsize": 8,
					"id": "obj-27",
					"maxclass": "comment",
					"numinlets": 1,
					"numoutlets": 0,
					"patching_rect": [
						368,
						783,
						31,
						14
					],
					"presentation": 1,
					"presentation_rect": [
						368,
						83,
						31,
						14
					],
					"saved_attribute_attributes": {
						"textcolor": {
							"expression": "themecolor.live_control_fg"
						}
					},
					"text": "",
					"textcolor": [
						0.709804,
						0.709804,
						0.709804,
						1.0
					],
					"varname": "ruler1"
				}
			},
			{
				"box": {
					"fontname": "Ableton Sans Medium",
					"fontsize": 8,
					"id": "obj-28",
					"maxclass": "comment",
					"numinlets": 1,
					"numoutlets": 0,
					"patching_rect": [
						399,
						783,
						31,
						14
					],
					"presentation": 1,
					"presentation_rect": [
						399,
						83,
						31,
						14
					],
					"saved_attribute_attributes": {
						"textcolor": {
							"expression": "themecolor.live_control_fg"
						}
					},
					"text": "",
					"textcolor": [
						0.709804,
						0.709804,
						0.709804,
						1.0
					],
					"varname": "ruler2"
				}
			},
			{
				"box": {
					"fontname": "Ableton Sans Medium",
					"fontsize": 8,
					"id": "obj-29",
					"maxclass": "comment",
					"numinlets": 1,
					"numoutlets": 0,
					"patching_rect": [
						430,
						783,
						31,
						14
					],
					"presentation": 1,
					"presentation_rect": [
						430,
						83,
						31,
						14
					],
					"saved_attribute_attributes": {
						"textcolor": {
							"expression": "themecolor.live_control_fg"
						}
					},
					"text": "",
					"textcolor": [
						0.709804,
						0.709804,
						0.709804,
						1.0
					],
					"varname": "ruler3"
				}
			},
			{
				"box": {
					"fontname": "Ableton Sans Medium",
					"fontsize": 8,
					"id": "obj-30",
					"maxclass": "comment",
					"numinlets": 1,
					"numoutlets": 0,
					"patching_rect": [
						461,
						783,
						31,
						14
					],
					"presentation": 1,
					"presentation_rect": [
						461,
						83,
						31,
						14
					],
					"saved_attribute_attributes": {
						"textcolor": {
							"expression": "themecolor.live_control_fg"
						}
					},
					"text": "",
					"textcolor": [
						0.709804,
						0.709804,
						0.709804,
						1.0
					],
					"varname": "ruler4"
				}
			},
			{
				"box": {
					"fontname": "Ableton Sans Medium",
					"fontsize": 8,
					"id": "obj-31",
					"maxclass": "comment",
					"numinlets": 1,
					"numoutlets": 0,
					"patching_rect": [
						492,
						783,
						31,
						14
					],
					"presentation": 1,
					"presentation_rect": [
						492,
						83,
						31,
						14
					],
					"saved_attribute_attributes": {
						"textcolor": {
							"expression": "themecolor.live_control_fg"
						}
					},
					"text": "",
					"textcolor": [
						0.709804,
						0.709804,
						0.709804,
						1.0
					],
					"varname": "ruler5"
				}
			},
			{
				"box": {
					"fontname": "Ableton Sans Medium",
					"fontsize": 8,
					"id": "obj-32",
					"maxclass": "comment",
					"numinlets": 1,
					"numoutlets": 0,
					"patching_rect": [
						523,
						783,
						31,
						14
					],
					"presentation": 1,
					"presentation_rect": [
						523,
						83,
						31,
						14
					],
					"saved_attribute_attributes": {
						"textcolor": {
							"expression": "themecolor.live_control_fg"
						}
					},
					"text": "",
					"textcolor": [
						0.709804,
						0.709804,
						0.709804,
						1.0
					],
					"varname": "ruler6"
				}
			},
			{
				"box": {
					"fontname": "Ableton Sans Medium",
					"fontsize": 8,
					"id": "obj-33",
					"maxclass": "comment",
					"numinlets": 1,
					"numoutlets": 0,
					"patching_rect": [
						554,
						783,
						31,
						14
					],
					"presentation": 1,
					"presentation_rect": [
						554,
						83,
						31,
						14
					],
					"saved_attribute_attributes": {
						"textcolor": {
							"expression": "themecolor.live_control_fg"
						}
					},
					"text": "",
					"textcolor": [
						0.709804,
						0.709804,
						0.709804,
						1.0
					],
					"varname": "ruler7"
				}
			},
			{
				"box": {
					"fontname": "Ableton Sans Medium",
					"fontsize": 8,
					"id": "obj-34",
					"maxclass": "comment",
					"numinlets": 1,
					"numoutlets": 0,
					"patching_rect": [
						585,
						783,
						31,
						14
					],
					"presentation": 1,
					"presentation_rect": [
						585,
						83,
						31,
						14
					],
					"saved_attribute_attributes": {
						"textcolor": {
							"expression": "themecolor.live_control_fg"
						}
					},
					"text": "",
					"textcolor": [
						0.709804,
						0.709804,
						0.709804,
						1.0
					],
					"varname": "ruler8"
				}
			},
			{
				"box": {
					"annotation": "What was made, growing while it is made. The lines are bars.",
					"annotation_name": "Result wave",
					"bgcolor": [
						0.094118,
						0.094118,
						0.094118,
						1.0
					],
					"buffername": "---result_wave",
					"grid": 1000.0,
					"gridcolor": [
						0.066667,
						0.066667,
						0.066667,
						1.0
					],
					"id": "obj-35",
					"labels": 0,
					"maxclass": "waveform~",
					"numinlets": 5,
					"numoutlets": 6,
					"outlettype": [
						"float",
						"float",
						"float",
						"float",
						"list",
						""
					],
					"patching_rect": [
						368,
						798,
						248,
						48
					],
					"presentation": 1,
					"presentation_rect": [
						368,
						98,
						248,
						48
					],
					"saved_attribute_attributes": {
						"bgcolor": {
							"expression": "themecolor.live_lcd_bg"
						},
						"gridcolor": {
							"expression": "themecolor.live_contrast_frame"
						},
						"selectioncolor": {
							"expression": "themecolor.live_selection"
						},
						"waveformcolor": {
							"expression": "themecolor.live_value_arc"
						}
					},
					"selectioncolor": [
						0.690196,
						0.866667,
						0.921569,
						1.0
					],
					"setmode": 0,
					"ticks": 0,
					"varname": "result_wave",
					"vlabels": 0,
					"vticks": 0,
					"waveformcolor": [
						0.011765,
						0.764706,
						0.835294,
						1.0
					]
				}
			},
			{
				"box": {
					"fontname": "Ableton Sans Medium",
					"fontsize": 9,
					"id": "obj-36",
					"maxclass": "comment",
					"numinlets": 1,
					"numoutlets": 0,
					"patching_rect": [
						368,
						847,
						248,
						16
					],
					"presentation": 1,
					"presentation_rect": [
						368,
						147,
						248,
						16
					],
					"saved_attribute_attributes": {
						"textcolor": {
							"expression": "themecolor.live_control_fg"
						}
					},
					"text": "",
					"textcolor": [
						0.709804,
						0.709804,
						0.709804,
						1.0
					],
					"varname": "grid"
				}
			},
			{
				"box": {
					"activebgcolor": [
						1.0,
						0.678431,
						0.337255,
						1.0
					],
					"activetextcolor": [
						0.027451,
						0.027451,
						0.027451,
						1.0
					],
					"annotation": "Makes it. Can be mapped to a pad or a pedal.",
					"annotation_name": "Go",
					"fontname": "Ableton Sans Medium",
					"fontsize": 12,
					"id": "obj-37",
					"maxclass": "live.text",
					"mode": 0,
					"numinlets": 1,
					"numoutlets": 2,
					"outlettype": [
						"",
						""
					],
					"outputmode": 1,
					"parameter_enable": 1,
					"patching_rect": [
						624,
						706,
						96,
						40
					],
					"presentation": 1,
					"presentation_rect": [
						624,
						6,
						96,
						40
					],
					"saved_attribute_attributes": {
						"activebgcolor": {
							"expression": "themecolor.live_control_selection"
						},
						"activetextcolor": {
							"expression": "themecolor.live_control_fg_on"
						},
						"valueof": {
							"parameter_annotation_name": "Go",
							"parameter_info": "Makes it. Can be mapped to a pad or a pedal.",
							"parameter_invisible": 0,
							"parameter_longname": "Go",
							"parameter_modmode": 0,
							"parameter_shortname": "Go",
							"parameter_initial": [
								0
							],
							"parameter_initial_enable": 1,
							"parameter_enum": [
								"off",
								"on"
							],
							"parameter_mmax": 1,
							"parameter_type": 2
						}
					},
					"text": "Generate",
					"varname": "go"
				}
			},
			{
				"box": {
					"annotation": "Stops at once. What was made until then is kept.",
					"annotation_name": "Stop and Keep",
					"fontname": "Ableton Sans Medium",
					"fontsize": 9.5,
					"id": "obj-38",
					"maxclass": "live.text",
					"mode": 0,
					"numinlets": 1,
					"numoutlets": 2,
					"outlettype": [
						"",
						""
					],
					"outputmode": 1,
					"parameter_enable": 1,
					"patching_rect": [
						724,
						706,
						54,
						40
					],
					"presentation": 1,
					"presentation_rect": [
						724,
						6,
						54,
						40
					],
					"saved_attribute_attributes": {
						"valueof": {
							"parameter_annotation_name": "Stop and Keep",
							"parameter_info": "Stops at once. What was made until then is kept.",
							"parameter_invisible": 0,
							"parameter_longname": "Stop and Keep",
							"parameter_modmode": 0,
							"parameter_shortname": "Stop",
							"parameter_initial": [
								0
							],
							"parameter_initial_enable": 1,
							"parameter_enum": [
								"off",
								"on"
							],
							"parameter_mmax": 1,
							"parameter_type": 2
						}
					},
					"text": "Stop, keep",
					"varname": "stop"
				}
			},
			{
				"box": {
					"annotation": "Makes the last one once more with another seed, or with the locked one.",
					"annotation_name": "Again",
					"fontname": "Ableton Sans Medium",
					"fontsize": 9.5,
					"id": "obj-39",
					"maxclass": "live.text",
					"mode": 0,
					"numinlets": 1,
					"numoutlets": 2,
					"outlettype": [
						"",
						""
					],
					"outputmode": 1,
					"parameter_enable": 1,
					"patching_rect": [
						624,
						750,
						60,
						17
					],
					"presentation": 1,
					"presentation_rect": [
						624,
						50,
						60,
						17
					],
					"saved_attribute_attributes": {
						"valueof": {
							"parameter_annotation_name": "Again",
							"parameter_info": "Makes the last one once more with another seed, or with the locked one.",
							"parameter_invisible": 0,
							"parameter_longname": "Again",
							"parameter_modmode": 0,
							"parameter_shortname": "Again",
							"parameter_initial": [
								0
							],
							"parameter_initial_enable": 1,
							"parameter_enum": [
								"off",
								"on"
							],
							"parameter_mmax": 1,
							"parameter_type": 2
						}
					},
					"text": "Again",
					"varname": "again"
				}
			},
			{
				"box": {
					"annotation": "Where a result lands. Auto: below a session clip; at the beat in the arrangement; never over anything that is there.",
					"annotation_name": "Place Where",
					"id": "obj-40",
					"maxclass": "live.menu",
					"numinlets": 1,
					"numoutlets": 3,
					"outlettype": [
						"",
						"",
						"float"
					],
					"parameter_enable": 1,
					"patching_rect": [
						688,
						751,
						90,
						15
					],
					"presentation": 1,
					"presentation_rect": [
						688,
						51,
						90,
						15
					],
					"saved_attribute_attributes": {
						"valueof": {
							"parameter_annotation_name": "Place Where",
							"parameter_info": "Where a result lands. Auto: below a session clip; at the beat in the arrangement; never over anything that is there.",
							"parameter_invisible": 1,
							"parameter_longname": "Place Where",
							"parameter_modmode": 0,
							"parameter_shortname": "Where",
							"parameter_initial": [
								0
							],
							"parameter_initial_enable": 1,
							"parameter_enum": [
								"Auto",
								"Slot",
								"Arrangement",
								"Take lane",
								"New track"
							],
							"parameter_mmax": 4,
							"parameter_type": 2
						}
					},
					"varname": "where"
				}
			},
			{
				"box": {
					"annotation": "What was made, newest first. ♥ marks favourites.",
					"annotation_name": "Results",
					"arrow": 1,
					"bgfillcolor": [
						0.117647,
						0.117647,
						0.117647,
						1.0
					],
					"elementcolor": [
						0.709804,
						0.709804,
						0.709804,
						1.0
					],
					"fontname": "Ableton Sans Medium",
					"fontsize": 9.5,
					"id": "obj-41",
					"items": [
						"no results yet"
					],
					"maxclass": "umenu",
					"numinlets": 1,
					"numoutlets": 3,
					"outlettype": [
						"int",
						"",
						""
					],
					"patching_rect": [
						624,
						771,
						130,
						17
					],
					"presentation": 1,
					"presentation_rect": [
						624,
						71,
						130,
						17
					],
					"saved_attribute_attributes": {
						"bgfillcolor": {
							"expression": "themecolor.live_control_text_bg"
						},
						"textcolor": {
							"expression": "themecolor.live_control_fg"
						},
						"elementcolor": {
							"expression": "themecolor.live_control_fg"
						}
					},
					"textcolor": [
						0.709804,
						0.709804,
						0.709804,
						1.0
					],
					"truncate": 1,
					"varname": "results"
				}
			},
			{
				"box": {
					"annotation": "A favourite: never removed for its space.",
					"annotation_name": "Favourite",
					"fontname": "Ableton Sans Medium",
					"fontsize": 9.5,
					"id": "obj-42",
					"maxclass": "live.text",
					"mode": 1,
					"numinlets": 1,
					"numoutlets": 2,
					"outlettype": [
						"",
						""
					],
					"parameter_enable": 1,
					"patching_rect": [
						758,
						771,
						20,
						17
					],
					"presentation": 1,
					"presentation_rect": [
						758,
						71,
						20,
						17
					],
					"saved_attribute_attributes": {
						"valueof": {
							"parameter_annotation_name": "Favourite",
							"parameter_info": "A favourite: never removed for its space.",
							"parameter_invisible": 2,
							"parameter_longname": "Favourite",
							"parameter_modmode": 0,
							"parameter_shortname": "Fav",
							"parameter_initial": [
								0
							],
							"parameter_initial_enable": 1,
							"parameter_enum": [
								"off",
								"on"
							],
							"parameter_mmax": 1,
							"parameter_type": 2
						}
					},
					"text": "♥",
					"texton": "♥",
					"varname": "favourite"
				}
			},
			{
				"box": {
					"annotation": "Which take is shown, auditioned and placed.",
					"annotation_name": "Take",
					"fontname": "Ableton Sans Medium",
					"fontsize": 9.5,
					"id": "obj-43",
					"livemode": 1,
					"maxclass": "live.tab",
					"num_lines_patching": 1,
					"num_lines_presentation": 1,
					"numinlets": 1,
					"numoutlets": 3,
					"outlettype": [
						"",
						"",
						"float"
					],
					"parameter_enable": 1,
					"patching_rect": [
						624,
						792,
						154,
						22
					],
					"presentation": 1,
					"presentation_rect": [
						624,
						92,
						154,
						22
					],
					"saved_attribute_attributes": {
						"valueof": {
							"parameter_annotation_name": "Take",
							"parameter_info": "Which take is shown, auditioned and placed.",
							"parameter_invisible": 2,
							"parameter_longname": "Take",
							"parameter_modmode": 0,
							"parameter_shortname": "Take",
							"parameter_initial": [
								0
							],
							"parameter_initial_enable": 1,
							"parameter_enum": [
								"A",
								"B",
								"C",
								"D"
							],
							"parameter_mmax": 3,
							"parameter_type": 2
						}
					},
					"varname": "take"
				}
			},
			{
				"box": {
					"annotation": "Plays the take through this track, from the next bar where Live plays. Press again to stop.",
					"annotation_name": "Listen",
					"fontname": "Ableton Sans Medium",
					"fontsize": 9.5,
					"id": "obj-44",
					"maxclass": "live.text",
					"mode": 0,
					"numinlets": 1,
					"numoutlets": 2,
					"outlettype": [
						"",
						""
					],
					"outputmode": 1,
					"parameter_enable": 1,
					"patching_rect": [
						624,
						818,
						75,
						24
					],
					"presentation": 1,
					"presentation_rect": [
						624,
						118,
						75,
						24
					],
					"saved_attribute_attributes": {
						"valueof": {
							"parameter_annotation_name": "Listen",
							"parameter_info": "Plays the take through this track, from the next bar where Live plays. Press again to stop.",
							"parameter_invisible": 0,
							"parameter_longname": "Listen",
							"parameter_modmode": 0,
							"parameter_shortname": "Listen",
							"parameter_initial": [
								0
							],
							"parameter_initial_enable": 1,
							"parameter_enum": [
								"off",
								"on"
							],
							"parameter_mmax": 1,
							"parameter_type": 2
						}
					},
					"text": "Listen",
					"varname": "listen"
				}
			},
			{
				"box": {
					"annotation": "Puts the take where it belongs, never over anything that is there.",
					"annotation_name": "Place",
					"fontname": "Ableton Sans Medium",
					"fontsize": 9.5,
					"id": "obj-45",
					"maxclass": "live.text",
					"mode": 0,
					"numinlets": 1,
					"numoutlets": 2,
					"outlettype": [
						"",
						""
					],
					"outputmode": 1,
					"parameter_enable": 1,
					"patching_rect": [
						703,
						818,
						75,
						24
					],
					"presentation": 1,
					"presentation_rect": [
						703,
						118,
						75,
						24
					],
					"saved_attribute_attributes": {
						"valueof": {
							"parameter_annotation_name": "Place",
							"parameter_info": "Puts the take where it belongs, never over anything that is there.",
							"parameter_invisible": 0,
							"parameter_longname": "Place",
							"parameter_modmode": 0,
							"parameter_shortname": "Place",
							"parameter_initial": [
								0
							],
							"parameter_initial_enable": 1,
							"parameter_enum": [
								"off",
								"on"
							],
							"parameter_mmax": 1,
							"parameter_type": 2
						}
					},
					"text": "Place",
					"varname": "place"
				}
			},
			{
				"box": {
					"annotation": "Opens the folder of the result, to drag it from there.",
					"annotation_name": "Show Folder",
					"fontname": "Ableton Sans Medium",
					"fontsize": 9.5,
					"id": "obj-46",
					"maxclass": "live.text",
					"mode": 0,
					"numinlets": 1,
					"numoutlets": 2,
					"outlettype": [
						"",
						""
					],
					"outputmode": 1,
					"parameter_enable": 1,
					"patching_rect": [
						624,
						846,
						42,
						17
					],
					"presentation": 1,
					"presentation_rect": [
						624,
						146,
						42,
						17
					],
					"saved_attribute_attributes": {
						"valueof": {
							"parameter_annotation_name": "Show Folder",
							"parameter_info": "Opens the folder of the result, to drag it from there.",
							"parameter_invisible": 2,
							"parameter_longname": "Show Folder",
							"parameter_modmode": 0,
							"parameter_shortname": "Folder",
							"parameter_initial": [
								0
							],
							"parameter_initial_enable": 1,
							"parameter_enum": [
								"off",
								"on"
							],
							"parameter_mmax": 1,
							"parameter_type": 2
						}
					},
					"text": "Folder",
					"varname": "reveal"
				}
			},
			{
				"box": {
					"annotation": "Puts every take into a slot or lane of its own.",
					"annotation_name": "Place All",
					"fontname": "Ableton Sans Medium",
					"fontsize": 9.5,
					"id": "obj-47",
					"maxclass": "live.text",
					"mode": 0,
					"numinlets": 1,
					"numoutlets": 2,
					"outlettype": [
						"",
						""
					],
					"outputmode": 1,
					"parameter_enable": 1,
					"patching_rect": [
						670,
						846,
						48,
						17
					],
					"presentation": 1,
					"presentation_rect": [
						670,
						146,
						48,
						17
					],
					"saved_attribute_attributes": {
						"valueof": {
							"parameter_annotation_name": "Place All",
							"parameter_info": "Puts every take into a slot or lane of its own.",
							"parameter_invisible": 2,
							"parameter_longname": "Place All",
							"parameter_modmode": 0,
							"parameter_shortname": "Place all",
							"parameter_initial": [
								0
							],
							"parameter_initial_enable": 1,
							"parameter_enum": [
								"off",
								"on"
							],
							"parameter_mmax": 1,
							"parameter_type": 2
						}
					},
					"text": "Place all",
					"varname": "place_all"
				}
			},
			{
				"box": {
					"annotation": "On: every take is placed as soon as it is done. Off: nothing is placed until you say so.",
					"annotation_name": "Auto Place",
					"fontname": "Ableton Sans Medium",
					"fontsize": 9.5,
					"id": "obj-48",
					"maxclass": "live.text",
					"mode": 1,
					"numinlets": 1,
					"numoutlets": 2,
					"outlettype": [
						"",
						""
					],
					"parameter_enable": 1,
					"patching_rect": [
						722,
						846,
						56,
						17
					],
					"presentation": 1,
					"presentation_rect": [
						722,
						146,
						56,
						17
					],
					"saved_attribute_attributes": {
						"valueof": {
							"parameter_annotation_name": "Auto Place",
							"parameter_info": "On: every take is placed as soon as it is done. Off: nothing is placed until you say so.",
							"parameter_invisible": 1,
							"parameter_longname": "Auto Place",
							"parameter_modmode": 0,
							"parameter_shortname": "Auto",
							"parameter_initial": [
								1
							],
							"parameter_initial_enable": 1,
							"parameter_enum": [
								"off",
								"on"
							],
							"parameter_mmax": 1,
							"parameter_type": 2
						}
					},
					"text": "Auto place",
					"texton": "Auto place",
					"varname": "auto_place"
				}
			},
			{
				"box": {
					"id": "obj-49",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 3,
					"outlettype": [
						"bang",
						"int",
						"int"
					],
					"patching_rect": [
						20,
						200,
						105,
						22
					],
					"text": "live.thisdevice"
				}
			},
			{
				"box": {
					"id": "obj-50",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						170,
						200,
						56,
						22
					],
					"text": "deferlow"
				}
			},
			{
				"box": {
					"id": "obj-51",
					"maxclass": "message",
					"numinlets": 2,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						320,
						200,
						40,
						22
					],
					"text": "ready"
				}
			},
			{
				"box": {
					"id": "obj-52",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						470,
						200,
						168,
						22
					],
					"text": "udpreceive 7800 @defer 1"
				}
			},
			{
				"box": {
					"id": "obj-53",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 0,
					"patching_rect": [
						620,
						200,
						154,
						22
					],
					"text": "udpsend 127.0.0.1 7770"
				}
			},
			{
				"box": {
					"id": "obj-54",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						770,
						200,
						84,
						22
					],
					"text": "prepend bank"
				}
			},
			{
				"box": {
					"id": "obj-55",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						920,
						200,
						98,
						22
					],
					"text": "prepend preset"
				}
			},
			{
				"box": {
					"id": "obj-56",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						1070,
						200,
						98,
						22
					],
					"text": "prepend prompt"
				}
			},
			{
				"box": {
					"id": "obj-57",
					"maxclass": "newobj",
					"numinlets": 2,
					"numoutlets": 2,
					"outlettype": [
						"",
						""
					],
					"patching_rect": [
						20,
						230,
						70,
						22
					],
					"text": "route text"
				}
			},
			{
				"box": {
					"id": "obj-58",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						170,
						230,
						91,
						22
					],
					"text": "prepend model"
				}
			},
			{
				"box": {
					"id": "obj-59",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						320,
						230,
						84,
						22
					],
					"text": "prepend port"
				}
			},
			{
				"box": {
					"id": "obj-60",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						470,
						230,
						98,
						22
					],
					"text": "prepend record"
				}
			},
			{
				"box": {
					"id": "obj-61",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						620,
						230,
						84,
						22
					],
					"text": "prepend mode"
				}
			},
			{
				"box": {
					"id": "obj-62",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						770,
						230,
						84,
						22
					],
					"text": "prepend bars"
				}
			},
			{
				"box": {
					"id": "obj-63",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						920,
						230,
						91,
						22
					],
					"text": "prepend takes"
				}
			},
			{
				"box": {
					"id": "obj-64",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						1070,
						230,
						91,
						22
					],
					"text": "prepend drums"
				}
			},
			{
				"box": {
					"id": "obj-65",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						20,
						260,
						77,
						22
					],
					"text": "prepend key"
				}
			},
			{
				"box": {
					"id": "obj-66",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						170,
						260,
						112,
						22
					],
					"text": "prepend guidance"
				}
			},
			{
				"box": {
					"id": "obj-67",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						320,
						260,
						84,
						22
					],
					"text": "prepend gain"
				}
			},
			{
				"box": {
					"id": "obj-68",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						470,
						260,
						84,
						22
					],
					"text": "prepend seed"
				}
			},
			{
				"box": {
					"id": "obj-69",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						620,
						260,
						84,
						22
					],
					"text": "prepend lock"
				}
			},
			{
				"box": {
					"id": "obj-70",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						770,
						260,
						84,
						22
					],
					"text": "prepend hear"
				}
			},
			{
				"box": {
					"id": "obj-71",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						920,
						260,
						70,
						22
					],
					"text": "prepend go"
				}
			},
			{
				"box": {
					"id": "obj-72",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						1070,
						260,
						84,
						22
					],
					"text": "prepend stop"
				}
			},
			{
				"box": {
					"id": "obj-73",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						20,
						290,
						91,
						22
					],
					"text": "prepend again"
				}
			},
			{
				"box": {
					"id": "obj-74",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						170,
						290,
						91,
						22
					],
					"text": "prepend where"
				}
			},
			{
				"box": {
					"id": "obj-75",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						320,
						290,
						105,
						22
					],
					"text": "prepend results"
				}
			},
			{
				"box": {
					"id": "obj-76",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						470,
						290,
						119,
						22
					],
					"text": "prepend favourite"
				}
			},
			{
				"box": {
					"id": "obj-77",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						620,
						290,
						84,
						22
					],
					"text": "prepend take"
				}
			},
			{
				"box": {
					"id": "obj-78",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						770,
						290,
						98,
						22
					],
					"text": "prepend listen"
				}
			},
			{
				"box": {
					"id": "obj-79",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						920,
						290,
						91,
						22
					],
					"text": "prepend place"
				}
			},
			{
				"box": {
					"id": "obj-80",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						1070,
						290,
						98,
						22
					],
					"text": "prepend reveal"
				}
			},
			{
				"box": {
					"id": "obj-81",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						20,
						320,
						119,
						22
					],
					"text": "prepend place_all"
				}
			},
			{
				"box": {
					"id": "obj-82",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						170,
						320,
						126,
						22
					],
					"text": "prepend auto_place"
				}
			},
			{
				"box": {
					"id": "obj-83",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						320,
						320,
						140,
						22
					],
					"text": "prepend select_start"
				}
			},
			{
				"box": {
					"id": "obj-84",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						470,
						320,
						126,
						22
					],
					"text": "prepend select_end"
				}
			},
			{
				"box": {
					"id": "obj-85",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 2,
					"outlettype": [
						"float",
						"bang"
					],
					"patching_rect": [
						620,
						320,
						154,
						22
					],
					"text": "buffer~ ---source_wave"
				}
			},
			{
				"box": {
					"id": "obj-86",
					"maxclass": "message",
					"numinlets": 2,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						770,
						320,
						112,
						22
					],
					"text": "source_wave_read"
				}
			},
			{
				"box": {
					"id": "obj-87",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 2,
					"outlettype": [
						"float",
						"bang"
					],
					"patching_rect": [
						920,
						320,
						154,
						22
					],
					"text": "buffer~ ---result_wave"
				}
			},
			{
				"box": {
					"id": "obj-88",
					"maxclass": "message",
					"numinlets": 2,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						1070,
						320,
						112,
						22
					],
					"text": "result_wave_read"
				}
			},
			{
				"box": {
					"id": "obj-89",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 3,
					"outlettype": [
						"",
						"",
						""
					],
					"patching_rect": [
						20,
						350,
						105,
						22
					],
					"saved_attribute_attributes": {
						"valueof": {
							"parameter_invisible": 1,
							"parameter_longname": "Bank Name",
							"parameter_shortname": "Bank",
							"parameter_type": 3,
							"parameter_modmode": 0,
							"parameter_annotation_name": "Bank Name",
							"parameter_info": "The bank that is chosen. Saved in the set."
						}
					},
					"saved_object_attributes": {
						"parameter_enable": 1
					},
					"text": "pattr bank_name",
					"varname": "bank_name"
				}
			},
			{
				"box": {
					"id": "obj-90",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						170,
						350,
						126,
						22
					],
					"text": "prepend bank_saved"
				}
			},
			{
				"box": {
					"id": "obj-91",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 3,
					"outlettype": [
						"",
						"",
						""
					],
					"patching_rect": [
						320,
						350,
						119,
						22
					],
					"saved_attribute_attributes": {
						"valueof": {
							"parameter_invisible": 1,
							"parameter_longname": "Preset Name",
							"parameter_shortname": "Preset",
							"parameter_type": 3,
							"parameter_modmode": 0,
							"parameter_annotation_name": "Preset Name",
							"parameter_info": "The preset that is chosen. Saved in the set."
						}
					},
					"saved_object_attributes": {
						"parameter_enable": 1
					},
					"text": "pattr preset_name",
					"varname": "preset_name"
				}
			},
			{
				"box": {
					"id": "obj-92",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						470,
						350,
						140,
						22
					],
					"text": "prepend preset_saved"
				}
			},
			{
				"box": {
					"id": "obj-93",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 3,
					"outlettype": [
						"",
						"",
						""
					],
					"patching_rect": [
						620,
						350,
						112,
						22
					],
					"saved_attribute_attributes": {
						"valueof": {
							"parameter_invisible": 1,
							"parameter_longname": "Model Name",
							"parameter_shortname": "Model",
							"parameter_type": 3,
							"parameter_modmode": 0,
							"parameter_annotation_name": "Model Name",
							"parameter_info": "The model that is chosen. Saved in the set."
						}
					},
					"saved_object_attributes": {
						"parameter_enable": 1
					},
					"text": "pattr model_name",
					"varname": "model_name"
				}
			},
			{
				"box": {
					"id": "obj-94",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						770,
						350,
						133,
						22
					],
					"text": "prepend model_saved"
				}
			},
			{
				"box": {
					"id": "obj-95",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 2,
					"outlettype": [
						"",
						"bang"
					],
					"patching_rect": [
						920,
						350,
						77,
						22
					],
					"text": "live.colors"
				}
			},
			{
				"box": {
					"id": "obj-96",
					"maxclass": "message",
					"numinlets": 2,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						1070,
						350,
						40,
						22
					],
					"text": "theme"
				}
			},
			{
				"box": {
					"id": "obj-97",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						20,
						380,
						98,
						22
					],
					"text": "prepend colour"
				}
			},
			{
				"box": {
					"id": "obj-98",
					"maxclass": "newobj",
					"numinlets": 51,
					"numoutlets": 51,
					"outlettype": [
						"",
						"",
						"",
						"",
						"",
						"",
						"",
						"",
						"",
						"",
						"",
						"",
						"",
						"",
						"",
						"",
						"",
						"",
						"",
						"",
						"",
						"",
						"",
						"",
						"",
						"",
						"",
						"",
						"",
						"",
						"",
						"",
						"",
						"",
						"",
						"",
						"",
						"",
						"",
						"",
						"",
						"",
						"",
						"",
						"",
						"",
						"",
						"",
						"",
						"",
						""
					],
					"patching_rect": [
						170,
						380,
						2653,
						22
					],
					"text": "route bank preset prompt host model port record mode bars takes drums key guidance gain seed lock hear status source source_wave ruler1 ruler2 ruler3 ruler4 ruler5 ruler6 ruler7 ruler8 result_wave grid go stop again where results favourite take listen place reveal place_all auto_place region_start region_end source_sound result_sound bank_saved preset_saved model_saved colours"
				}
			},
			{
				"box": {
					"id": "obj-99",
					"maxclass": "newobj",
					"numinlets": 2,
					"numoutlets": 2,
					"outlettype": [
						"signal",
						"signal"
					],
					"patching_rect": [
						320,
						380,
						49,
						22
					],
					"text": "plugin~"
				}
			},
			{
				"box": {
					"id": "obj-100",
					"maxclass": "newobj",
					"numinlets": 2,
					"numoutlets": 2,
					"outlettype": [
						"signal",
						"signal"
					],
					"patching_rect": [
						470,
						380,
						56,
						22
					],
					"text": "plugout~"
				}
			},
			{
				"box": {
					"id": "obj-101",
					"maxclass": "newobj",
					"numinlets": 2,
					"numoutlets": 1,
					"outlettype": [
						"signal"
					],
					"patching_rect": [
						620,
						380,
						77,
						22
					],
					"text": "sfrecord~ 2"
				}
			},
			{
				"box": {
					"id": "obj-102",
					"maxclass": "newobj",
					"numinlets": 2,
					"numoutlets": 3,
					"outlettype": [
						"signal",
						"signal",
						"bang"
					],
					"patching_rect": [
						770,
						380,
						63,
						22
					],
					"text": "sfplay~ 2"
				}
			},
			{
				"box": {
					"id": "obj-103",
					"maxclass": "newobj",
					"numinlets": 2,
					"numoutlets": 2,
					"outlettype": [
						"signal",
						"bang"
					],
					"patching_rect": [
						920,
						380,
						56,
						22
					],
					"text": "line~ 1."
				}
			},
			{
				"box": {
					"id": "obj-104",
					"maxclass": "message",
					"numinlets": 2,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						1070,
						380,
						42,
						22
					],
					"text": "played"
				}
			},
			{
				"box": {
					"id": "obj-105",
					"maxclass": "newobj",
					"numinlets": 2,
					"numoutlets": 1,
					"outlettype": [
						"signal"
					],
					"patching_rect": [
						20,
						410,
						40,
						22
					],
					"text": "*~ 1."
				}
			},
			{
				"box": {
					"id": "obj-106",
					"maxclass": "newobj",
					"numinlets": 2,
					"numoutlets": 1,
					"outlettype": [
						"signal"
					],
					"patching_rect": [
						170,
						410,
						40,
						22
					],
					"text": "*~ 1."
				}
			},
			{
				"box": {
					"id": "obj-107",
					"maxclass": "newobj",
					"numinlets": 4,
					"numoutlets": 4,
					"outlettype": [
						"",
						"",
						"",
						""
					],
					"patching_rect": [
						320,
						410,
						189,
						22
					],
					"text": "route player recorder level"
				}
			}
		],
		"lines": [
			{
				"patchline": {
					"destination": [
						"obj-50",
						0
					],
					"source": [
						"obj-49",
						0
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-51",
						0
					],
					"source": [
						"obj-50",
						0
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-1",
						0
					],
					"source": [
						"obj-51",
						0
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-1",
						1
					],
					"source": [
						"obj-52",
						0
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-53",
						0
					],
					"source": [
						"obj-1",
						0
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-52",
						0
					],
					"source": [
						"obj-1",
						1
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-1",
						0
					],
					"source": [
						"obj-54",
						0
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-54",
						0
					],
					"source": [
						"obj-2",
						1
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-1",
						0
					],
					"source": [
						"obj-55",
						0
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-55",
						0
					],
					"source": [
						"obj-3",
						1
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-1",
						0
					],
					"source": [
						"obj-56",
						0
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-57",
						0
					],
					"source": [
						"obj-4",
						0
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-56",
						0
					],
					"source": [
						"obj-57",
						0
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-1",
						0
					],
					"source": [
						"obj-58",
						0
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-58",
						0
					],
					"source": [
						"obj-6",
						1
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-1",
						0
					],
					"source": [
						"obj-59",
						0
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-59",
						0
					],
					"source": [
						"obj-8",
						0
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-1",
						0
					],
					"source": [
						"obj-60",
						0
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-60",
						0
					],
					"source": [
						"obj-9",
						0
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-1",
						0
					],
					"source": [
						"obj-61",
						0
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-61",
						0
					],
					"source": [
						"obj-10",
						0
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-1",
						0
					],
					"source": [
						"obj-62",
						0
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-62",
						0
					],
					"source": [
						"obj-12",
						0
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-1",
						0
					],
					"source": [
						"obj-63",
						0
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-63",
						0
					],
					"source": [
						"obj-14",
						0
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-1",
						0
					],
					"source": [
						"obj-64",
						0
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-64",
						0
					],
					"source": [
						"obj-16",
						0
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-1",
						0
					],
					"source": [
						"obj-65",
						0
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-65",
						0
					],
					"source": [
						"obj-18",
						0
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-1",
						0
					],
					"source": [
						"obj-66",
						0
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-66",
						0
					],
					"source": [
						"obj-19",
						0
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-1",
						0
					],
					"source": [
						"obj-67",
						0
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-67",
						0
					],
					"source": [
						"obj-20",
						0
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-1",
						0
					],
					"source": [
						"obj-68",
						0
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-68",
						0
					],
					"source": [
						"obj-21",
						0
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-1",
						0
					],
					"source": [
						"obj-69",
						0
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-69",
						0
					],
					"source": [
						"obj-22",
						0
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-1",
						0
					],
					"source": [
						"obj-70",
						0
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-70",
						0
					],
					"source": [
						"obj-23",
						0
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-1",
						0
					],
					"source": [
						"obj-71",
						0
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-71",
						0
					],
					"source": [
						"obj-37",
						0
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-1",
						0
					],
					"source": [
						"obj-72",
						0
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-72",
						0
					],
					"source": [
						"obj-38",
						0
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-1",
						0
					],
					"source": [
						"obj-73",
						0
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-73",
						0
					],
					"source": [
						"obj-39",
						0
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-1",
						0
					],
					"source": [
						"obj-74",
						0
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-74",
						0
					],
					"source": [
						"obj-40",
						0
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-1",
						0
					],
					"source": [
						"obj-75",
						0
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-75",
						0
					],
					"source": [
						"obj-41",
						0
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-1",
						0
					],
					"source": [
						"obj-76",
						0
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-76",
						0
					],
					"source": [
						"obj-42",
						0
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-1",
						0
					],
					"source": [
						"obj-77",
						0
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-77",
						0
					],
					"source": [
						"obj-43",
						0
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-1",
						0
					],
					"source": [
						"obj-78",
						0
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-78",
						0
					],
					"source": [
						"obj-44",
						0
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-1",
						0
					],
					"source": [
						"obj-79",
						0
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-79",
						0
					],
					"source": [
						"obj-45",
						0
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-1",
						0
					],
					"source": [
						"obj-80",
						0
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-80",
						0
					],
					"source": [
						"obj-46",
						0
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-1",
						0
					],
					"source": [
						"obj-81",
						0
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-81",
						0
					],
					"source": [
						"obj-47",
						0
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-1",
						0
					],
					"source": [
						"obj-82",
						0
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-82",
						0
					],
					"source": [
						"obj-48",
						0
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-1",
						0
					],
					"source": [
						"obj-83",
						0
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-83",
						0
					],
					"source": [
						"obj-26",
						2
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-1",
						0
					],
					"source": [
						"obj-84",
						0
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-84",
						0
					],
					"source": [
						"obj-26",
						3
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-86",
						0
					],
					"source": [
						"obj-85",
						1
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-1",
						0
					],
					"source": [
						"obj-86",
						0
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-88",
						0
					],
					"source": [
						"obj-87",
						1
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-1",
						0
					],
					"source": [
						"obj-88",
						0
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-1",
						0
					],
					"source": [
						"obj-90",
						0
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-90",
						0
					],
					"source": [
						"obj-89",
						0
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-1",
						0
					],
					"source": [
						"obj-92",
						0
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-92",
						0
					],
					"source": [
						"obj-91",
						0
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-1",
						0
					],
					"source": [
						"obj-94",
						0
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-94",
						0
					],
					"source": [
						"obj-93",
						0
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-1",
						0
					],
					"source": [
						"obj-97",
						0
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-97",
						0
					],
					"source": [
						"obj-95",
						0
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-96",
						0
					],
					"source": [
						"obj-95",
						1
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-1",
						0
					],
					"source": [
						"obj-96",
						0
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-98",
						0
					],
					"source": [
						"obj-1",
						2
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-2",
						0
					],
					"source": [
						"obj-98",
						0
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-3",
						0
					],
					"source": [
						"obj-98",
						1
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-4",
						0
					],
					"source": [
						"obj-98",
						2
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-5",
						0
					],
					"source": [
						"obj-98",
						3
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-6",
						0
					],
					"source": [
						"obj-98",
						4
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-8",
						0
					],
					"source": [
						"obj-98",
						5
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-9",
						0
					],
					"source": [
						"obj-98",
						6
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-10",
						0
					],
					"source": [
						"obj-98",
						7
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-12",
						0
					],
					"source": [
						"obj-98",
						8
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-14",
						0
					],
					"source": [
						"obj-98",
						9
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-16",
						0
					],
					"source": [
						"obj-98",
						10
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-18",
						0
					],
					"source": [
						"obj-98",
						11
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-19",
						0
					],
					"source": [
						"obj-98",
						12
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-20",
						0
					],
					"source": [
						"obj-98",
						13
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-21",
						0
					],
					"source": [
						"obj-98",
						14
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-22",
						0
					],
					"source": [
						"obj-98",
						15
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-23",
						0
					],
					"source": [
						"obj-98",
						16
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-24",
						0
					],
					"source": [
						"obj-98",
						17
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-25",
						0
					],
					"source": [
						"obj-98",
						18
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-26",
						0
					],
					"source": [
						"obj-98",
						19
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-27",
						0
					],
					"source": [
						"obj-98",
						20
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-28",
						0
					],
					"source": [
						"obj-98",
						21
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-29",
						0
					],
					"source": [
						"obj-98",
						22
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-30",
						0
					],
					"source": [
						"obj-98",
						23
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-31",
						0
					],
					"source": [
						"obj-98",
						24
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-32",
						0
					],
					"source": [
						"obj-98",
						25
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-33",
						0
					],
					"source": [
						"obj-98",
						26
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-34",
						0
					],
					"source": [
						"obj-98",
						27
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-35",
						0
					],
					"source": [
						"obj-98",
						28
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-36",
						0
					],
					"source": [
						"obj-98",
						29
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-37",
						0
					],
					"source": [
						"obj-98",
						30
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-38",
						0
					],
					"source": [
						"obj-98",
						31
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-39",
						0
					],
					"source": [
						"obj-98",
						32
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-40",
						0
					],
					"source": [
						"obj-98",
						33
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-41",
						0
					],
					"source": [
						"obj-98",
						34
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-42",
						0
					],
					"source": [
						"obj-98",
						35
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-43",
						0
					],
					"source": [
						"obj-98",
						36
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-44",
						0
					],
					"source": [
						"obj-98",
						37
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-45",
						0
					],
					"source": [
						"obj-98",
						38
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-46",
						0
					],
					"source": [
						"obj-98",
						39
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-47",
						0
					],
					"source": [
						"obj-98",
						40
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-48",
						0
					],
					"source": [
						"obj-98",
						41
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-26",
						2
					],
					"source": [
						"obj-98",
						42
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-26",
						3
					],
					"source": [
						"obj-98",
						43
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-85",
						0
					],
					"source": [
						"obj-98",
						44
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-87",
						0
					],
					"source": [
						"obj-98",
						45
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-89",
						0
					],
					"source": [
						"obj-98",
						46
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-91",
						0
					],
					"source": [
						"obj-98",
						47
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-93",
						0
					],
					"source": [
						"obj-98",
						48
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-95",
						0
					],
					"source": [
						"obj-98",
						49
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-104",
						0
					],
					"source": [
						"obj-102",
						2
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-1",
						0
					],
					"source": [
						"obj-104",
						0
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-100",
						0
					],
					"source": [
						"obj-99",
						0
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-101",
						0
					],
					"source": [
						"obj-99",
						0
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-105",
						0
					],
					"source": [
						"obj-102",
						0
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-105",
						1
					],
					"source": [
						"obj-103",
						0
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-100",
						0
					],
					"source": [
						"obj-105",
						0
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-100",
						1
					],
					"source": [
						"obj-99",
						1
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-101",
						1
					],
					"source": [
						"obj-99",
						1
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-106",
						0
					],
					"source": [
						"obj-102",
						1
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-106",
						1
					],
					"source": [
						"obj-103",
						0
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-100",
						1
					],
					"source": [
						"obj-106",
						0
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-107",
						0
					],
					"source": [
						"obj-1",
						3
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-102",
						0
					],
					"source": [
						"obj-107",
						0
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-101",
						0
					],
					"source": [
						"obj-107",
						1
					]
				}
			},
			{
				"patchline": {
					"destination": [
						"obj-103",
						0
					],
					"source": [
						"obj-107",
						2
					]
				}
			}
		],
		"parameters": {
			"obj-4": [
				"Prompt",
				"Prompt",
				0
			],
			"obj-8": [
				"Daemon Port",
				"Port",
				0
			],
			"obj-9": [
				"Record Input",
				"Rec",
				0
			],
			"obj-10": [
				"Mode",
				"Mode",
				0
			],
			"obj-12": [
				"Bars",
				"Bars",
				0
			],
			"obj-14": [
				"Takes",
				"Takes",
				0
			],
			"obj-16": [
				"Drums",
				"Drums",
				0
			],
			"obj-18": [
				"Key",
				"Key",
				0
			],
			"obj-19": [
				"Guidance",
				"Guide",
				0
			],
			"obj-20": [
				"Monitor Gain",
				"Gain",
				0
			],
			"obj-21": [
				"Seed",
				"Seed",
				0
			],
			"obj-22": [
				"Seed Lock",
				"Lock",
				0
			],
			"obj-23": [
				"Hear While Made",
				"Hear",
				0
			],
			"obj-37": [
				"Go",
				"Go",
				0
			],
			"obj-38": [
				"Stop and Keep",
				"Stop",
				0
			],
			"obj-39": [
				"Again",
				"Again",
				0
			],
			"obj-40": [
				"Place Where",
				"Where",
				0
			],
			"obj-42": [
				"Favourite",
				"Fav",
				0
			],
			"obj-43": [
				"Take",
				"Take",
				0
			],
			"obj-44": [
				"Listen",
				"Listen",
				0
			],
			"obj-45": [
				"Place",
				"Place",
				0
			],
			"obj-46": [
				"Show Folder",
				"Folder",
				0
			],
			"obj-47": [
				"Place All",
				"Place all",
				0
			],
			"obj-48": [
				"Auto Place",
				"Auto",
				0
			],
			"obj-89": [
				"Bank Name",
				"Bank",
				0
			],
			"obj-91": [
				"Preset Name",
				"Preset",
				0
			],
			"obj-93": [
				"Model Name",
				"Model",
				0
			]
		},
		"dependency_cache": [
			{
				"name": "inspire.js",
				"bootpath": ".",
				"type": "TEXT",
				"implicit": 1
			}
		],
		"latency": 0,
		"is_mpe": 0,
		"minimum_live_version": "11.1",
		"minimum_max_version": "8.2",
		"platform_compatibility": 0,
		"project": {
			"version": 1,
			"creationdate": 3847132800,
			"modificationdate": 3847132800,
			"viewrect": [
				0,
				0,
				300,
				500
			],
			"autoorganize": 1,
			"hideprojectwindow": 1,
			"showdependencies": 1,
			"autolocalize": 0,
			"contents": {
				"patchers": {},
				"code": {
					"inspire.js": {
						"kind": "javascript",
						"local": 1
					}
				}
			},
			"layout": {},
			"searchpath": {},
			"detailsvisible": 0,
			"amxdtype": 1633771873,
			"readonly": 0,
			"devpathtype": 0,
			"devpath": ".",
			"sortmode": 0,
			"viewmode": 0,
			"includepackages": 0
		},
		"autosave": 0
	}
}
