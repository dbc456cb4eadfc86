-- The project's regions, or where it has none its markers, as the sections of a piece for /inspire/arrange. Pure: tables in, tables out.
local arrange = {}

local SLACK_S = 0.005 -- regions that are so near to one another touch

local function by_time(one, other)
  return one.from < other.from
end

-- Regions within `range` where there is one; one that holds others, such as the whole song, is none of them.
local function regions(marks, range)
  local found, kept = {}, {}
  for _, mark in ipairs(marks) do
    if mark.to and (not range or mark.from < range.to - SLACK_S and mark.to > range.from + SLACK_S) then
      local from = range and math.max(mark.from, range.from) or mark.from
      found[#found + 1] = { name = mark.name, from = from, to = range and math.min(mark.to, range.to) or mark.to }
    end
  end
  for _, one in ipairs(found) do
    local holds = false
    for _, other in ipairs(found) do
      holds = holds or other.to - other.from < one.to - one.from - SLACK_S
        and other.from >= one.from - SLACK_S and other.to <= one.to + SLACK_S
    end
    kept[#kept + 1] = not holds and one or nil
  end
  table.sort(kept, by_time)
  return kept
end

-- From marker to marker; one that is called END, or the time selection's end, ends the last, or it has `bars` bars.
local function between_markers(marks, range, bars, measure)
  local points, found = {}, {}
  for _, mark in ipairs(marks) do
    if not mark.to and mark.name:lower() ~= "=start" then
      points[#points + 1] = { name = mark.name, from = mark.from }
    end
  end
  table.sort(points, by_time)
  for index, point in ipairs(points) do
    local last = not points[index + 1]
    local to = not last and points[index + 1].from
    if last then
      local bpm, beats, unit = measure.tempo(point.from)
      to = range and range.to or point.from + bars * beats * 4 / unit * 60 / bpm
    end
    local from = range and math.max(point.from, range.from) or point.from
    to = range and math.min(to, range.to) or to
    if point.name:lower():match("^=?end$") then
      break
    elseif to > from + SLACK_S then
      found[#found + 1] = { name = point.name, from = from, to = to }
    end
  end
  return found
end

-- "Drop = dark, drums" has a name and words of its own. What divides sections in the daemon's text is left out.
local function name_and_words(text, number)
  local name, words = text:match("^([^=:]*)[=:](.*)$")
  name = (name or text):gsub("[|;=:%c]", " "):gsub("%s+", " "):match("^%s*(.-)%s*$")
  words = (words or ""):gsub("[|;%c]", ","):match("^%s*(.-)%s*$")
  return name ~= "" and name or "part " .. number, words
end

-- The item that the piece goes on from: one that is selected and ends in it, which cuts off what lies before its end.
local function after_item(sections, items)
  local first, last = sections[1], sections[#sections]
  for _, item in ipairs(items) do
    local finish = item.position + item.length
    if finish > first.from - SLACK_S and finish < last.to - SLACK_S then
      local left = {}
      for _, section in ipairs(sections) do
        if section.to > finish + SLACK_S then
          section.cut = finish > section.from + SLACK_S
          section.from = section.cut and finish or section.from
          left[#left + 1] = section
        end
      end
      return left, item
    end
  end
  return sections, nil
end

-- {text, bars, from, to, count, label, item}, or nil and why not. `marks` as selection.marks has them; `range`: the time selection
-- {from, to} or nil; `items`: those selected; `bars`: of a last marker that nothing ends; `measure` as selection.measure makes it.
function arrange.plan(marks, range, items, bars, measure)
  local sections = regions(marks, range)
  if #sections == 0 then
    sections = between_markers(marks, range, bars, measure)
  end
  if #sections == 0 then
    return nil, "Draw regions such as Intro, Verse, Drop: each becomes a section, as long as it is"
  end
  for index = 2, #sections do
    local one, other = sections[index - 1], sections[index]
    if other.from > one.to + SLACK_S then
      return nil, ("There is a gap between %s and %s: regions must follow one another"):format(one.name, other.name)
    elseif other.from < one.to - SLACK_S then
      return nil, ("%s and %s overlap: regions must follow one another"):format(one.name, other.name)
    end
  end
  local item
  sections, item = after_item(sections, items)
  local parts, names, total = {}, {}, 0
  local all_say_it = true
  for number, section in ipairs(sections) do
    local name, words = name_and_words(section.name, number)
    local count = measure.bars(section.from, section.to)
    if not count and section.cut then
      return nil, ("The selected item ends inside a bar of %s: a piece goes on from a bar line"):format(name)
    elseif not count then
      return nil, ("%s does not last whole bars in one tempo: move its ends to bar lines"):format(name)
    end
    total, all_say_it = total + count, all_say_it and words ~= ""
    parts[#parts + 1] = ("%s:%d%s"):format(name, count, words ~= "" and "=" .. words or "")
    names[#names + 1] = ("%s %d"):format(name, count)
  end
  local from, to = sections[1].from, sections[#sections].to
  if measure.bars(from, to) ~= total then
    return nil, "The tempo or the metre changes on the way: one piece keeps one of each"
  end
  local bpm, beats, unit = measure.tempo(from)
  return {
    text = table.concat(parts, " | ") .. " |", bars = total, from = from, to = to, label = measure.label(from), names = names,
    item = item, all_say_it = all_say_it, bpm = bpm, beats = beats, unit = unit,
  }
end

return arrange
