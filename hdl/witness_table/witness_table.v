// SPDX-License-Identifier: MIT
// Copyright (c) The Rackwright authors
/*
 * CURP witness table: accepts a record when it commutes with every record it holds.
 *
 * One request word in, one response word out, in order; README.md has the layout. A record is
 * rejected when a way of its set holds the same key hash or when the set is full. gc frees the
 * lowest way of the set that holds the given client and RPC; tlast on a gc ends a gc round.
 *
 *   stage 0  the request on the bus; its set addresses the RAM
 *   stage 1  the row leaves the RAM
 *   stage 2  compare, decide, write back; the response enters the skid buffer
 *
 * One operation a clock. Stage 1 takes the row from stage 2, or from the operation that has just
 * left it, when that one used the same set: the RAM does not show those two writes yet.
 *
 * After reset and for `start` a sweep clears one set a clock; s_axis_tready is low meanwhile.
 *
 * Left out: the bodies of the requests (keep them in a side memory, addressed by set and by the
 * way in the response), records of several objects, more than one master.
 */

`resetall
`timescale 1ns / 1ps
`default_nettype none

module witness_table #
(
    // number of sets, a power of two
    parameter SETS = 1024,
    // entries in a set, 1 to 8
    parameter WAYS = 4,
    parameter KEY_WIDTH = 64,
    parameter CLIENT_WIDTH = 64,
    parameter RPC_WIDTH = 64,
    // width of the counter of gc rounds; ages are taken modulo 2**GC_WIDTH
    parameter GC_WIDTH = 16,
    // an entry that has survived so many gc rounds is suspected to be stale
    parameter STALE_ROUNDS = 3,
    parameter DATA_WIDTH = 64 + KEY_WIDTH + CLIENT_WIDTH + RPC_WIDTH
)
(
    input  wire                  clk,
    input  wire                  rst,

    // requests
    input  wire [DATA_WIDTH-1:0] s_axis_tdata,
    input  wire                  s_axis_tvalid,
    output wire                  s_axis_tready,
    input  wire                  s_axis_tlast,

    // responses
    output wire [DATA_WIDTH-1:0] m_axis_tdata,
    output wire                  m_axis_tvalid,
    input  wire                  m_axis_tready,
    output wire                  m_axis_tlast
);

localparam SET_WIDTH = $clog2(SETS);
// the set says the low bits of a key: only the others are stored
localparam CUT_WIDTH = KEY_WIDTH - SET_WIDTH;
localparam ENTRY_WIDTH = CUT_WIDTH + CLIENT_WIDTH + RPC_WIDTH + GC_WIDTH;
localparam ROW_WIDTH = WAYS + WAYS*ENTRY_WIDTH;

// fields of a word
localparam TAG_LSB = 32;
localparam KEY_LSB = 64;
localparam CLIENT_LSB = KEY_LSB + KEY_WIDTH;
localparam RPC_LSB = CLIENT_LSB + CLIENT_WIDTH;

// fields of an entry; an entry stands at WAYS + way*ENTRY_WIDTH of its row, above the valid bits
localparam ENTRY_CLIENT_LSB = CUT_WIDTH;
localparam ENTRY_RPC_LSB = ENTRY_CLIENT_LSB + CLIENT_WIDTH;
localparam ENTRY_GC_LSB = ENTRY_RPC_LSB + RPC_WIDTH;

localparam [7:0]
    OP_RECORD = 8'd1,
    OP_GC = 8'd2,
    OP_PROBE = 8'd3,
    OP_READ = 8'd4,
    OP_FREEZE = 8'd5,
    OP_START = 8'd6;

localparam [7:0]
    STATUS_INVALID = 8'd0,
    STATUS_ACCEPT = 8'd1,
    STATUS_REJECT_KEY = 8'd2,
    STATUS_REJECT_FULL = 8'd3,
    STATUS_REJECT_FROZEN = 8'd4,
    STATUS_FREED = 8'd5,
    STATUS_UNKNOWN = 8'd6,
    STATUS_HELD = 8'd7,
    STATUS_ABSENT = 8'd8,
    STATUS_DONE = 8'd9;

initial begin
    if (SETS < 2 || SETS != 2**SET_WIDTH) begin
        $error("SETS must be a power of two, at least 2, not %0d (instance %m)", SETS);
        $finish;
    end
    if (WAYS < 1 || WAYS > 8) begin
        $error("WAYS must be 1 to 8, not %0d (instance %m)", WAYS);
        $finish;
    end
    if (KEY_WIDTH <= SET_WIDTH) begin
        $error("KEY_WIDTH must exceed the %0d bits of a set (instance %m)", SET_WIDTH);
        $finish;
    end
    if (GC_WIDTH < 1 || GC_WIDTH > 31) begin
        $error("GC_WIDTH must be 1 to 31, not %0d (instance %m)", GC_WIDTH);
        $finish;
    end
    if (STALE_ROUNDS < 1 || STALE_ROUNDS >= 2**GC_WIDTH) begin
        $error("STALE_ROUNDS must be 1 to 2**GC_WIDTH - 1 (instance %m)");
        $finish;
    end
    if (DATA_WIDTH != 64 + KEY_WIDTH + CLIENT_WIDTH + RPC_WIDTH) begin
        $error("DATA_WIDTH must be 64 + KEY_WIDTH + CLIENT_WIDTH + RPC_WIDTH (instance %m)");
        $finish;
    end
end

// table
reg [ROW_WIDTH-1:0] table_ram [0:SETS-1];

// stage 1: the row of the request is in ram_row_reg
reg s1_valid_reg = 1'b0, s1_valid_next;
reg [DATA_WIDTH-1:0] s1_data_reg = {DATA_WIDTH{1'b0}}, s1_data_next;
reg s1_last_reg = 1'b0, s1_last_next;
reg [ROW_WIDTH-1:0] ram_row_reg = {ROW_WIDTH{1'b0}};

// stage 2: the row is up to date
reg s2_valid_reg = 1'b0, s2_valid_next;
reg [DATA_WIDTH-1:0] s2_data_reg = {DATA_WIDTH{1'b0}}, s2_data_next;
reg s2_last_reg = 1'b0, s2_last_next;
reg [ROW_WIDTH-1:0] s2_row_reg = {ROW_WIDTH{1'b0}}, s2_row_next;

// the operation that left stage 2 in the previous step
reg past_valid_reg = 1'b0, past_valid_next;
reg [SET_WIDTH-1:0] past_set_reg = {SET_WIDTH{1'b0}}, past_set_next;
reg [ROW_WIDTH-1:0] past_row_reg = {ROW_WIDTH{1'b0}}, past_row_next;

// modes
reg hold_reg = 1'b0, hold_next;
reg sweep_reg = 1'b1, sweep_next;
reg [SET_WIDTH-1:0] sweep_set_reg = {SET_WIDTH{1'b0}}, sweep_set_next;
reg frozen_reg = 1'b0, frozen_next;
reg [GC_WIDTH-1:0] round_reg = {GC_WIDTH{1'b0}}, round_next;

wire skid_ready;

// the pipeline moves as a whole, and not while a sweep owns the write port
wire step = skid_ready && !sweep_reg;

assign s_axis_tready = step && !hold_reg;

wire take = s_axis_tvalid && s_axis_tready;

wire [SET_WIDTH-1:0] s0_set = s_axis_tdata[KEY_LSB +: SET_WIDTH];
wire [SET_WIDTH-1:0] s1_set = s1_data_reg[KEY_LSB +: SET_WIDTH];
wire [SET_WIDTH-1:0] s2_set = s2_data_reg[KEY_LSB +: SET_WIDTH];

// fields of the request in stage 2
wire [7:0] s2_op = s2_data_reg[7:0];
wire [CUT_WIDTH-1:0] s2_cut = s2_data_reg[KEY_LSB+SET_WIDTH +: CUT_WIDTH];
wire [CLIENT_WIDTH-1:0] s2_client = s2_data_reg[CLIENT_LSB +: CLIENT_WIDTH];
wire [RPC_WIDTH-1:0] s2_rpc = s2_data_reg[RPC_LSB +: RPC_WIDTH];

// what is known of each way in stage 2
wire [WAYS-1:0] used = s2_row_reg[WAYS-1:0];
reg [WAYS-1:0] same_key;
reg [WAYS-1:0] same_rpc;
reg [WAYS-1:0] stale;
reg [ENTRY_WIDTH-1:0] entry;
reg [GC_WIDTH-1:0] age;

// decision in stage 2; pick has at most one bit set
reg [7:0] status;
reg [WAYS-1:0] pick;
reg named;
reg store;
reg clear;
reg [2:0] way;
reg [ROW_WIDTH-1:0] row_after;
reg [ENTRY_GC_LSB-1:0] named_entry;
reg [DATA_WIDTH-1:0] response;

integer i;

function [WAYS-1:0] lowest(input [WAYS-1:0] bits);
    lowest = bits & (~bits + 1'b1);
endfunction

always @* begin
    same_key = {WAYS{1'b0}};
    same_rpc = {WAYS{1'b0}};
    stale = {WAYS{1'b0}};

    for (i = 0; i < WAYS; i = i + 1) begin
        entry = s2_row_reg[WAYS + i*ENTRY_WIDTH +: ENTRY_WIDTH];
        age = round_reg - entry[ENTRY_GC_LSB +: GC_WIDTH];
        same_key[i] = used[i] && entry[CUT_WIDTH-1:0] == s2_cut;
        same_rpc[i] = used[i] && entry[ENTRY_CLIENT_LSB +: CLIENT_WIDTH] == s2_client
            && entry[ENTRY_RPC_LSB +: RPC_WIDTH] == s2_rpc;
        stale[i] = used[i] && {{(32-GC_WIDTH){1'b0}}, age} >= STALE_ROUNDS;
    end
end

always @* begin
    status = STATUS_INVALID;
    pick = {WAYS{1'b0}};
    store = 1'b0;
    clear = 1'b0;

    case (s2_op)
        OP_RECORD: begin
            if (frozen_reg) begin
                status = STATUS_REJECT_FROZEN;
            end else if (|same_key) begin
                status = STATUS_REJECT_KEY;
                pick = lowest(same_key);
            end else if (&used) begin
                // no entry is to blame, but one that has outlived its sync is reported
                status = STATUS_REJECT_FULL;
                pick = lowest(stale);
            end else begin
                status = STATUS_ACCEPT;
                pick = lowest(~used);
                store = 1'b1;
            end
        end
        OP_GC: begin
            status = |same_rpc ? STATUS_FREED : STATUS_UNKNOWN;
            pick = lowest(same_rpc);
            clear = 1'b1;
        end
        OP_PROBE: begin
            status = |same_key ? STATUS_HELD : STATUS_ABSENT;
            pick = lowest(same_key);
        end
        OP_READ: begin
            for (i = 0; i < WAYS; i = i + 1) begin
                pick[i] = used[i] && s2_data_reg[23:16] == i[7:0];
            end
            status = |pick ? STATUS_HELD : STATUS_ABSENT;
        end
        OP_FREEZE: status = STATUS_DONE;
        OP_START: status = STATUS_DONE;
        default: status = STATUS_INVALID;
    endcase
end

// the response names the entry that was stored, freed, found or in the way, else no entry
always @* begin
    named = |pick && !store;
    way = 3'd0;
    named_entry = {ENTRY_GC_LSB{1'b0}};
    row_after = s2_row_reg;

    for (i = 0; i < WAYS; i = i + 1) begin
        if (pick[i]) begin
            way = way | i[2:0];
            named_entry = named_entry | s2_row_reg[WAYS + i*ENTRY_WIDTH +: ENTRY_GC_LSB];
            if (store) begin
                row_after[i] = 1'b1;
                row_after[WAYS + i*ENTRY_WIDTH +: ENTRY_WIDTH] =
                    {round_reg, s2_rpc, s2_client, s2_cut};
            end
            if (clear) begin
                row_after[i] = 1'b0;
            end
        end
    end

    response = s2_data_reg;
    response[TAG_LSB-1:0] = {13'd0, way, 7'd0, |(pick & stale), status};
    if (named) begin
        response[KEY_LSB+SET_WIDTH +: CUT_WIDTH] = named_entry[CUT_WIDTH-1:0];
        response[CLIENT_LSB +: CLIENT_WIDTH] = named_entry[ENTRY_CLIENT_LSB +: CLIENT_WIDTH];
        response[RPC_LSB +: RPC_WIDTH] = named_entry[ENTRY_RPC_LSB +: RPC_WIDTH];
    end
end

always @* begin
    s1_valid_next = s1_valid_reg;
    s1_data_next = s1_data_reg;
    s1_last_next = s1_last_reg;
    s2_valid_next = s2_valid_reg;
    s2_data_next = s2_data_reg;
    s2_last_next = s2_last_reg;
    s2_row_next = s2_row_reg;
    past_valid_next = past_valid_reg;
    past_set_next = past_set_reg;
    past_row_next = past_row_reg;
    hold_next = hold_reg;
    sweep_next = sweep_reg;
    sweep_set_next = sweep_set_reg;
    frozen_next = frozen_reg;
    round_next = round_reg;

    if (sweep_reg) begin
        sweep_set_next = sweep_set_reg + 1;
        sweep_next = !(&sweep_set_reg);
    end

    if (step) begin
        s1_valid_next = take;
        s1_data_next = s_axis_tdata;
        s1_last_next = s_axis_tlast;

        s2_valid_next = s1_valid_reg;
        s2_data_next = s1_data_reg;
        s2_last_next = s1_last_reg;
        if (s2_valid_reg && s2_set == s1_set) begin
            s2_row_next = row_after;
        end else if (past_valid_reg && past_set_reg == s1_set) begin
            s2_row_next = past_row_reg;
        end else begin
            s2_row_next = ram_row_reg;
        end

        past_valid_next = s2_valid_reg;
        past_set_next = s2_set;
        past_row_next = row_after;

        // a start travels alone, so that no row from before the sweep is passed on: nothing is
        // taken until it has left, and it waits in stage 2 for the sweep
        if (s1_valid_reg && s1_data_reg[7:0] == OP_START) begin
            sweep_next = 1'b1;
        end
        if (s2_valid_reg && s2_op == OP_START) begin
            hold_next = 1'b0;
            frozen_next = 1'b0;
        end
        if (s2_valid_reg && s2_op == OP_FREEZE) begin
            frozen_next = 1'b1;
        end
        if (s2_valid_reg && s2_op == OP_GC && s2_last_reg) begin
            round_next = round_reg + 1'b1;
        end
        if (take && s_axis_tdata[7:0] == OP_START) begin
            hold_next = 1'b1;
        end
    end
end

always @(posedge clk) begin
    if (sweep_reg) begin
        table_ram[sweep_set_reg] <= {ROW_WIDTH{1'b0}};
    end else if (step && s2_valid_reg && |pick && (store || clear)) begin
        table_ram[s2_set] <= row_after;
    end
    if (step) begin
        ram_row_reg <= table_ram[s0_set];
    end
end

always @(posedge clk) begin
    s1_valid_reg <= s1_valid_next;
    s1_data_reg <= s1_data_next;
    s1_last_reg <= s1_last_next;
    s2_valid_reg <= s2_valid_next;
    s2_data_reg <= s2_data_next;
    s2_last_reg <= s2_last_next;
    s2_row_reg <= s2_row_next;
    past_valid_reg <= past_valid_next;
    past_set_reg <= past_set_next;
    past_row_reg <= past_row_next;
    hold_reg <= hold_next;
    sweep_reg <= sweep_next;
    sweep_set_reg <= sweep_set_next;
    frozen_reg <= frozen_next;
    round_reg <= round_next;

    if (rst) begin
        s1_valid_reg <= 1'b0;
        s2_valid_reg <= 1'b0;
        past_valid_reg <= 1'b0;
        hold_reg <= 1'b0;
        sweep_reg <= 1'b1;
        sweep_set_reg <= {SET_WIDTH{1'b0}};
        frozen_reg <= 1'b0;
        round_reg <= {GC_WIDTH{1'b0}};
    end
end

axis_skid #(
    .DATA_WIDTH(DATA_WIDTH)
)
skid_inst (
    .clk(clk),
    .rst(rst),
    .s_axis_tdata(response),
    .s_axis_tvalid(s2_valid_reg && !sweep_reg),
    .s_axis_tready(skid_ready),
    .s_axis_tlast(s2_last_reg),
    .m_axis_tdata(m_axis_tdata),
    .m_axis_tvalid(m_axis_tvalid),
    .m_axis_tready(m_axis_tready),
    .m_axis_tlast(m_axis_tlast)
);

endmodule

`resetall
